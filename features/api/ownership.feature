Feature: Whoever applies a field owns it
  Several people and programs can each look after their part of a set.
  Source: Kubernetes documentation, server-side apply.

  Rule: What somebody else applied is not taken without force

    @api-ssa-ownership
    Scenario: Two people apply two sizes
      Given the set "web" is planned
      And its description says
        """
        spec: {replicas: 0}
        """
      And the planned set "web" is submitted
      And this apply configuration of set "web" is submitted with "fieldManager=alice&force=true"
        """
        spec: {replicas: 1}
        """
      When this apply configuration of set "web" is submitted with "fieldManager=bob"
        """
        spec: {replicas: 2}
        """
      Then the request is refused as "409 Conflict"
        | reason               | field          |
        | FieldManagerConflict | .spec.replicas |
      And set "web" reads
        """
        spec: {replicas: 1}
        """

  Rule: Who does not apply a field does not fight for it

    @api-ssa-ownership
    Scenario: An autoscaler and a description without a size
      Given the set "web" is settled with 1 replica
      And this apply configuration of set "web" is submitted with "fieldManager=alice"
        """
        spec: {minReadySeconds: 2}
        """
      And this merge patch of the scale of set "web" is submitted
        """
        spec: {replicas: 2}
        """
      When this apply configuration of set "web" is submitted with "fieldManager=alice"
        """
        spec: {minReadySeconds: 3}
        """
      Then the request is accepted
      And set "web" reads
        """
        spec: {replicas: 2, minReadySeconds: 3}
        """

  Rule: The controller owns the status and nothing else

    @x-managed-fields
    Scenario: A set that somebody applied, after a while
      Given the set "web" is settled with 1 replica
      And this apply configuration of set "web" is submitted with "fieldManager=alice"
        """
        spec: {minReadySeconds: 2}
        """
      When the set "web" is scaled to 2
      Then the set "web" settles with pods "web-0" and "web-1"
      And whoever manages the status of set "web" manages nothing else of it
      And set "web" reads
        """
        metadata:
          managedFields:
          - {manager: alice, operation: Apply, fieldsV1: {"f:spec": {"f:minReadySeconds": {}}}}
        """
