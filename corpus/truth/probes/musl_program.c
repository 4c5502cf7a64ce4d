/* The smallest program for musl, started by musl's own start files. */

int main(void)
{
    return 0;
}
