Feature: A lost claim is replaced when its pod is
  A member is never left without a place for its data.
  Source: Kubernetes documentation, StatefulSet, stable storage; storage object in use protection.

  Rule: A claim that is in use stays until its pod is gone

    @pvc-protection
    Scenario: A claim is deleted under a running pod
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      When claim "data-db-1" is deleted
      Then claim "data-db-1" stays though it is being deleted
      And pod "db-1" stays Ready

    @pvc-protection-race
    Scenario: First the claim, then the pod
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And claim "data-db-1" is deleted
      When pod "db-1" is lost
      Then claim "data-db-1" is created
      And the set "db" settles with pods "db-0" and "db-1"

  Rule: A pod is not created while its claim is being deleted, and follows once it is gone

    @pvc-terminating-blocks-pod
    Scenario: The claim cannot go
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And the end of claim "data-db-1" is held up
      And claim "data-db-1" is deleted
      When pod "db-1" is lost
      Then pod "db-1" stays missing
      And pod "db-0" stays Ready

    @pvc-terminating-blocks-pod-event
    Scenario: An event says why
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And the end of claim "data-db-1" is held up
      And claim "data-db-1" is deleted
      When pod "db-1" is lost
      Then an event "FailedCreate" of set "db" says "pvc data-db-1 is being deleted"

    @pvc-terminating-blocks-pod
    Scenario: The claim goes at last
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And the end of claim "data-db-1" is held up
      And claim "data-db-1" is deleted
      And pod "db-1" is lost
      When the end of claim "data-db-1" is let through
      Then claim "data-db-1" is created
      And the set "db" settles with pods "db-0" and "db-1"

  Rule: A claim that is missing when its pod is created is created first

    @pvc-missing-recreated-on-create
    Scenario: The claim was deleted while nobody used it
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And the set "db" is scaled to 1
      And pod "db-1" disappears
      And claim "data-db-1" is deleted
      When the set "db" is scaled to 2
      Then claim "data-db-1" is created
      And claim "data-db-1" is created before pod "db-1"
      And pod "db-1" becomes Ready

  Rule: A claim that was taken from a running pod stays away until the pod is recreated

    @pvc-missing-running-no-action
    Scenario: Somebody strips the protection
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And claim "data-db-1" is deleted
      When the end of claim "data-db-1" is let through
      Then claim "data-db-1" stays missing
      And pod "db-1" is the same as before

  Rule: A claim that was taken from a Pending pod is created again

    @pvc-missing-recreated-for-pending
    Scenario: The pod waits for a node
      Given the set "db" is planned
      And its pods claim storage "data"
      And its description says
        """
        spec:
          template:
            spec:
              nodeSelector:
                stsspec.dev/no-node-has-this: "true"
        """
      And the set "db" is created with 1 replica
      And pod "db-0" becomes Pending
      And claim "data-db-0" is deleted
      And claim "data-db-0" disappears
      When the annotation "stsspec.dev/note" of set "db" changes to "look again"
      Then the claims of "db" are "data-db-0"
      And pod "db-0" stays Pending
