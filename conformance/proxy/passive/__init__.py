"""What binds every answer, judged at the end of the run on every exchange of it."""
