Feature: The Parallel policy scales all pods at once
  Members that do not need each other leave together.
  Source: Kubernetes documentation, StatefulSet, pod management policies, Parallel.

  Background:
    Given the set "web" is planned
    And its pod management policy is Parallel

  Rule: All pods that leave are deleted without waiting

    @scale-parallel-down
    Scenario: Pods that cannot end do not keep the others alive
      Given the set "web" is settled with 4 replicas
      And the end of pods "web-1" to "web-3" is held up
      When the set "web" is scaled to 1
      Then pod "web-1" begins to terminate
      And pod "web-2" begins to terminate
      And pod "web-3" begins to terminate
      And pod "web-0" is the same as before

  Rule: A deletion that fails is made again before more follow

    @scale-parallel-down-error
    Scenario: The first of seven fails
      Given the set "web" is settled with 8 replicas
      And the controller's next 1 request to delete pods meets code 500
      When the set "web" is scaled to 1
      Then the set "web" settles with pod "web-0"
      And the pods of "web" are deleted in batches of 1, 1, 2 and 4

  Rule: A pod that is not Ready does not stop a scale-down

    @scale-parallel-unready
    Scenario: The first pod is not Ready
      Given the set "web" is settled with 3 replicas
      And readiness of pod "web-0" is lost
      When the set "web" is scaled to 1
      Then pods "web-1" and "web-2" disappear
      And pod "web-0" is the same as before

  Rule: While a pod of the range is denied no other leaves, even if that made room

    @scale-parallel-quota-deadlock
    Scenario: The lost pod would need the room of the one that is to leave
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 3 replicas
      And the namespace allows 2 pods
      And pod "web-0" is lost
      And pod "web-0" disappears
      When the set "web" is scaled to 2
      Then pod "web-0" stays missing
      And pods "web-1" and "web-2" are the same as before
