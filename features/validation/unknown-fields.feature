Feature: A field that nobody knows is told, refused or ignored, as its sender wants it
  A field that is misspelt would otherwise be without effect, silently.
  Source: Kubernetes API concepts, field validation.

  Rule: Unless it is told otherwise the server warns and drops the field

    @val-unknown-field
    Scenario: A misspelt field
      Given the set "web" is planned
      And its description says
        """
        spec: {replica: 3}
        """
      When the planned set "web" is submitted
      Then the request is accepted with the warning "unknown field 'spec.replica'"
      And set "web" reads
        """
        spec: {replicas: 1, replica: null}
        """

    @val-unknown-field
    Scenario: A misspelt field, strictly
      Given the set "web" is planned
      And its description says
        """
        spec: {replica: 3}
        """
      When the planned set "web" is submitted with "fieldValidation=Strict"
      Then the request is refused as "400 BadRequest"
      And set "web" stays missing

    @val-unknown-field
    Scenario: A misspelt field, and nobody wants to know
      Given the set "web" is planned
      And its description says
        """
        spec: {replica: 3}
        """
      When the planned set "web" is submitted with "fieldValidation=Ignore"
      Then the request is accepted without a warning
