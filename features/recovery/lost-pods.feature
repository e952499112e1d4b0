Feature: Lost pods are recovered
  A member that returns finds its predecessors ready for it.
  Source: Kubernetes documentation, StatefulSet, pod identity and pod management policies.

  Rule: A lost pod is recreated with the identity of the pod it replaces

    @rec-pod-deleted @id-stable-across-recreate
    Scenario: One pod is lost
      Given the set "web" is settled with 3 replicas
      When pod "web-1" is lost
      Then pod "web-1" is replaced
      And the new "web-1" has the labels of the old one
      And the new "web-1" has the host name of the old one
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: Only the lost pod is replaced

    @rec-middle-delete
    Scenario: A pod in the middle is lost
      Given the set "web" is settled with 3 replicas
      When pod "web-1" is lost
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"
      And pods "web-0" and "web-2" are the same as before

    @rec-out-of-order-ready
    Scenario: A pod that stops being Ready costs no other pod its life
      Given the set "web" is settled with 3 replicas
      When readiness of pod "web-0" is lost
      Then pods "web-0" to "web-2" are the same as before
      And no pod of "web" is deleted

    @rec-out-of-order-ready
    Scenario: A probe that fails later costs no other pod its life
      Given the set "web" is planned
      And its pods answer a probe
      And the set "web" is created with 2 replicas
      And the probe of pods "web-0" and "web-1" succeeds
      When the probe of pod "web-0" fails
      Then pods "web-0" and "web-1" are the same as before

  Rule: With OrderedReady a lost pod is replaced only while all its predecessors are Running and Ready

    @rec-mass-delete-ordered
    Scenario: The lower ordinal returns first
      Given the set "web" is settled with 4 replicas
      And readiness of new pods is withheld
      When pods "web-1" and "web-3" are lost together
      Then pod "web-1" is replaced
      And pod "web-3" stays missing
      And pod "web-3" is never created while "web-1" is not Ready

    @rec-mass-delete-ordered
    Scenario: All pods are lost at once
      Given the set "web" is settled with 3 replicas
      When pods "web-0" to "web-2" are lost together
      Then pods "web-0" to "web-2" are replaced
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"
      And pod "web-2" is never created while "web-1" is not Ready
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

    @rec-mass-delete-ordered
    Scenario: All pods are lost at once and the first does not become Ready again
      Given the set "web" is settled with 3 replicas
      And readiness of new pods is withheld
      When pods "web-0" to "web-2" are lost together
      Then pod "web-0" is replaced
      And pods "web-1" and "web-2" stay missing

    @rec-mass-delete-ordered
    Scenario: A probe that has not succeeded yet holds back the next lost pod
      Given the set "web" is planned
      And its pods answer a probe
      And the set "web" is created with 2 replicas
      And the probe of pods "web-0" and "web-1" succeeds
      And all pods of "web" become Ready
      When pods "web-0" and "web-1" are lost together
      Then pod "web-0" is replaced
      And pod "web-1" stays missing

  Rule: With Parallel lost pods are replaced without waiting for each other

    @rec-mass-delete-parallel
    Scenario: All pods are lost at once and none becomes Ready
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 3 replicas
      And readiness of new pods is withheld
      When pods "web-0" to "web-2" are lost together
      Then pods "web-0" to "web-2" are replaced
      And pods "web-0" to "web-2" exist before any of them is Ready
