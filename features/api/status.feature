Feature: What is wanted and what there is are written apart
  A user cannot make up a status, and a controller cannot change what is wanted.
  Source: Kubernetes API conventions, spec and status.

  Rule: A change of the set leaves its status alone

    @api-status-isolated
    Scenario Outline: Somebody makes up a number of pods by a <form>
      Given the set "web" is settled with 1 replica
      When this <form> of set "web" is submitted
        """
        spec: {minReadySeconds: 4}
        status: {replicas: 7, collisionCount: 3}
        """
      Then the request is accepted
      And the answer reads
        """
        spec: {minReadySeconds: 4}
        status: {replicas: 1, collisionCount: 0}
        """

      Examples:
        | form        |
        | change      |
        | merge patch |

  Rule: A change of the status leaves the set alone

    @api-status-isolated
    Scenario Outline: Somebody scales by the status, by a <form>
      Given the set "web" is settled with 1 replica
      When this <form> of the status of set "web" is submitted
        """
        spec: {replicas: 7}
        status: {conditions: [{type: Noted, status: "True"}]}
        """
      Then the request is accepted
      And set "web" reads
        """
        metadata: {generation: 1}
        spec: {replicas: 1}
        """

      Examples:
        | form        |
        | change      |
        | merge patch |

    @api-status-write
    Scenario: A condition that somebody else writes is there to be read
      Given the set "web" is settled with 1 replica
      When this merge patch of the status of set "web" is submitted
        """
        status: {conditions: [{type: Noted, status: "True", reason: Seen, message: as it was}]}
        """
      Then the request is accepted
      And the status of set "web" reads
        """
        status: {replicas: 1, conditions: [{type: Noted, status: "True", reason: Seen, message: as it was}]}
        """
