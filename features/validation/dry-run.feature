Feature: A dry run answers as if and changes nothing
  Whoever plans a change can have it checked and completed before it is made.
  Source: Kubernetes API concepts, dry-run.

  Rule: A dry run is validated and defaulted, and nothing of it stays

    @val-dry-run
    Scenario: A set is created only as if
      Given the set "web" is planned
      When the planned set "web" is submitted with "dryRun=All"
      Then the request is accepted
      And the answer reads
        """
        metadata: {name: web, generation: 1}
        spec: {replicas: 1, podManagementPolicy: OrderedReady}
        """
      And set "web" stays missing
      And pod "web-0" stays missing

    @val-dry-run
    Scenario: What is wrong is refused in a dry run as well
      Given the set "web" is planned
      And its service name is "nginx.example"
      When the planned set "web" is submitted with "dryRun=All"
      Then the request is refused as "422 Invalid"
        | reason            | field            |
        | FieldValueInvalid | spec.serviceName |

    @val-dry-run
    Scenario: A set is changed only as if
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted with "dryRun=All"
        """
        spec: {replicas: 3}
        """
      Then the request is accepted
      And the answer reads
        """
        metadata: {generation: 2}
        spec: {replicas: 3}
        """
      And set "web" reads
        """
        metadata: {generation: 1}
        spec: {replicas: 1}
        """
      And pod "web-1" stays missing
