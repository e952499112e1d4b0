Feature: The generation of a set counts what was asked of it
  Whoever waits for a controller compares it with the generation that the controller has answered.
  Source: Kubernetes API conventions, metadata.

  Rule: It starts at one and grows with each change of the spec

    @api-generation
    Scenario: Two changes and one that changes nothing
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        spec: {minReadySeconds: 4}
        """
      And this change of set "web" is submitted
        """
        spec: {minReadySeconds: 4}
        """
      And this change of set "web" is submitted
        """
        spec: {revisionHistoryLimit: 4}
        """
      Then set "web" reads
        """
        metadata: {generation: 3}
        """

    @api-generation
    Scenario: Labels and status are not counted
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        metadata: {labels: {team: blue}}
        """
      And this merge patch of the status of set "web" is submitted
        """
        status: {conditions: [{type: Noted, status: "True"}]}
        """
      Then set "web" reads
        """
        metadata: {generation: 1}
        """

    @api-generation
    Scenario: A deletion that is not done yet is counted
      Given the set "web" is settled with 1 replica
      And the end of set "web" is held up
      When this deletion of set "web" is submitted
        """
        {}
        """
      Then set "web" reads
        """
        metadata: {generation: 2}
        """

  Rule: A replacement may say which version it was made from

    @api-unconditional-put
    Scenario: It does not say
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        metadata: {resourceVersion: null}
        spec: {minReadySeconds: 4}
        """
      Then the request is accepted

    @api-unconditional-put
    Scenario: It was made from an old one
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        metadata: {resourceVersion: "1"}
        spec: {minReadySeconds: 4}
        """
      Then the request is refused as "409 Conflict"
      And set "web" reads
        """
        metadata: {generation: 1}
        """
