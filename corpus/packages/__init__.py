"""Archives, packages and images: one small application in every form that a package system hands it out in, each made by the form's own tool."""
