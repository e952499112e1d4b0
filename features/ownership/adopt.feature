Feature: A set adopts the pods that are meant for it
  Pods outlive a set that was taken away, and whoever restores the set finds them at work.
  Source: controllers adopt what matches; Kubernetes documentation, StatefulSet.

  Rule: A pod without an owner that has the labels and the name of a member is adopted

    @own-adopt
    Scenario: The pod was there first
      Given the set "web" is planned
      And its update strategy is OnDelete
      And the pod "web-1" is created by hand for "web"
      When the set "web" is created with 2 replicas
      Then the set "web" owns pod "web-1"
      And pod "web-1" is the same as before

    @own-adopt-uid-guard
    Scenario: Just that pod is meant, and none that takes its name
      Given the set "web" is planned
      And its update strategy is OnDelete
      And the pod "web-1" is created by hand for "web"
      When the set "web" is created with 2 replicas
      Then the set "web" owns pod "web-1"
      And pod "web-1" is adopted by its UID

    @own-adopt
    Scenario: The pod came later, beyond the range
      Given the set "web" is settled with 1 replica
      When the pod "web-5" is created by hand for "web"
      Then pod "web-5" disappears
      And pod "web-0" is the same as before

  Rule: A pod of another name is nobody's, whatever its labels

    @own-adopt-name-filter
    Scenario: Three names that are no member's
      Given the set "web" is planned
      And the pod "other-0" is created by hand for "web"
      And the pod "web-x" is created by hand for "web"
      And the pod "web-1-0" is created by hand for "web"
      When the set "web" is created with 2 replicas
      Then the set "web" settles with pods "web-0" and "web-1"
      And pods "other-0", "web-x" and "web-1-0" belong to nobody

  Rule: A pod that terminates is not adopted

    @own-adopt-not-terminating
    Scenario: It keeps its name until it is gone
      Given the set "web" is planned
      And the pod "web-1" is created by hand for "web"
      And the end of pod "web-1" is held up
      And pod "web-1" is lost
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Ready
      And pod "web-1" belongs to nobody

    @own-adopt-not-terminating
    Scenario: The name is free again
      Given the set "web" is planned
      And the pod "web-1" is created by hand for "web"
      And the end of pod "web-1" is held up
      And pod "web-1" is lost
      And the set "web" is created with 2 replicas
      And pod "web-0" becomes Ready
      When the end of pod "web-1" is let through
      Then the set "web" settles with pods "web-0" and "web-1"

  Rule: Only a set that is there, and is to stay, adopts

    @own-adopt-live-check
    Scenario: The controller does not know yet that its set is being deleted
      Given the set "web" is settled with 2 replicas
      And the end of set "web" is held up
      And what happens to sets reaches the controller not for now
      And the set "web" is deleted
      When the owner of pod "web-1" is taken away
      And what happens to sets reaches the controller as it should
      Then pod "web-1" belongs to nobody
      And pod "web-1" is the same as before

  Rule: An ordinal is a number, however it is written

    @own-odd-name
    Scenario: A number with zeros before it, beyond the range
      Given the set "web" is settled with 1 replica
      When the pod "web-007" is created by hand for "web"
      Then pod "web-007" disappears
      And pod "web-0" is the same as before

    @own-unparsable-ignored
    Scenario: A number that is too long is adopted and then ignored
      Given the set "web" is settled with 1 replica
      When the pod "web-99999999999" is created by hand for "web"
      Then the set "web" owns pod "web-99999999999"
      And nothing about "web" changes any more
      And its status counts 1 replica
