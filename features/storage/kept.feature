Feature: Claims outlive pods
  A member that returns finds what it wrote.
  Source: Kubernetes documentation, StatefulSet, stable storage and limitations.

  Rule: A replacement uses the claim of the pod it replaces, and reads what that one wrote

    @pvc-reused-pod-delete
    Scenario: A pod is lost
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      When pod "db-1" is lost
      Then the new "db-1" has the claims of the old one
      And claim "data-db-1" is the same as before

    @pvc-data-survives @pvc-reused-pod-delete
    Scenario: What was written before is read after
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And pod "db-0" writes "zero" to "/data/file"
      And pod "db-1" writes "one" to "/data/file"
      When pods "db-0" and "db-1" are lost together
      Then the set "db" settles with pods "db-0" and "db-1"
      And pod "db-0" reads "zero" from "/data/file"
      And pod "db-1" reads "one" from "/data/file"

    @pvc-data-survives
    Scenario: Down to zero and back
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And pod "db-1" writes "one" to "/data/file"
      And the set "db" is scaled to 0
      And pods "db-1" and "db-0" disappear
      When the set "db" is scaled to 2
      Then the set "db" settles with pods "db-0" and "db-1"
      And pod "db-1" reads "one" from "/data/file"

  Rule: Claims stay when a set shrinks, and are used again when it grows

    @pvc-retained-scale-down @pvc-no-owner-default
    Scenario: A set shrinks
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 3 replicas
      When the set "db" is scaled to 1
      Then the set "db" settles with pod "db-0"
      And claims "data-db-0" to "data-db-2" are the same as before
      And claims "data-db-0" to "data-db-2" belong to nobody

    @pvc-reattached-scale-up
    Scenario: A set grows again
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And the set "db" is scaled to 1
      And pod "db-1" disappears
      When the set "db" is scaled to 2
      Then pod "db-1" becomes Ready
      And claim "data-db-1" is the same as before
      And the new "db-1" has the claims of the old one

  Rule: Claims stay when the set is deleted, and a new set of that name finds them

    @pvc-retained-set-delete
    Scenario Outline: A set is <how>
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      When the set "db" is <how>
      Then claims "data-db-0" and "data-db-1" are the same as before

      Examples:
        | how                       |
        | deleted                   |
        | deleted in the foreground |
        | deleted without its pods  |

    @pvc-reused-by-new-set @pvc-data-survives
    Scenario: A new set of the same name
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And pod "db-0" writes "zero" to "/data/file"
      And the set "db" is deleted
      And pods "db-0" and "db-1" disappear
      And the set "db" is planned as before
      When the set "db" is created with 2 replicas
      Then the set "db" settles with pods "db-0" and "db-1"
      And claims "data-db-0" and "data-db-1" are the same as before
      And pod "db-0" reads "zero" from "/data/file"

  Rule: A claim that was changed by hand is neither put back nor copied

    @pvc-no-spec-drift-fix
    Scenario: A claim is enlarged
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      When the description of claim "data-db-0" says
        """
        metadata:
          labels:
            tier: gold
        spec:
          resources:
            requests:
              storage: 2Mi
        """
      Then claim "data-db-0" asks for "2Mi"
      And claim "data-db-1" asks for "1Mi"

  Rule: A pod that moves to another node takes its data along

    @pvc-follows-reschedule
    Scenario: The node takes no more pods
      Given the cluster has 2 nodes
      And the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 1 replica
      And pod "db-0" writes "zero" to "/data/file"
      And the node of pod "db-0" is cordoned
      When pod "db-0" is lost
      Then the new "db-0" has another node than the old one
      And the set "db" settles with pod "db-0"
      And pod "db-0" reads "zero" from "/data/file"
