Feature: A set shrinks in reverse order, one pod at a time
  A member leaves only when those after it have left and those before it are well.
  Source: Kubernetes documentation, StatefulSet, deployment and scaling guarantees.

  Rule: Pods are deleted from the highest ordinal down

    @scale-down-order @scale-ordered-n-minus-one
    Scenario: A set shrinks from five to two
      Given the set "web" is settled with 5 replicas
      When the set "web" is scaled to 2
      Then the set "web" settles with pods "web-0" and "web-1"
      And the pods of "web" are deleted in the order "web-4", "web-3", "web-2"
      And pods "web-0" and "web-1" are the same as before

    @scale-down-order @scale-ordered-n-minus-one
    Scenario: A set is emptied
      Given the set "web" is settled with 3 replicas
      When the set "web" is scaled to 0
      Then the set "web" settles without pods
      And the pods of "web" are deleted in the order "web-2", "web-1", "web-0"

    @x-deletion-cost-ignored
    Scenario: The cost of a deletion is not looked at
      Given the set "web" is settled with 3 replicas
      And the annotation "controller.kubernetes.io/pod-deletion-cost" of pod "web-2" changes to "1000"
      When the set "web" is scaled to 2
      Then the set "web" settles with pods "web-0" and "web-1"

  Rule: The next pod is deleted only after the one before it is gone

    @scale-down-sequential
    Scenario: No two pods terminate at once
      Given the set "web" is settled with 4 replicas
      When the set "web" is scaled to 0
      Then the set "web" settles without pods
      And no two pods of "web" ever terminate at once

    @scale-down-sequential @scale-terminating-condemned-waits
    Scenario: A pod that cannot end keeps the lower ones alive
      Given the set "web" is settled with 4 replicas
      And the end of pod "web-3" is held up
      When the set "web" is scaled to 1
      Then pod "web-3" begins to terminate
      And pods "web-1" and "web-2" are the same as before

    @scale-down-sequential @scale-terminating-condemned-waits
    Scenario: A pod that takes its time to end keeps the lower ones alive though it is still Ready
      Given the set "web" is planned
      And its pods take their time to end
      And the set "web" is settled with 4 replicas
      When the set "web" is scaled to 1
      Then pod "web-3" begins to terminate
      And pods "web-1" and "web-2" are the same as before

    @scale-terminating-condemned-waits
    Scenario: Once it has ended the others follow
      Given the set "web" is settled with 4 replicas
      And the end of pod "web-3" is held up
      And the set "web" is scaled to 1
      And pod "web-3" begins to terminate
      When the end of pod "web-3" is let through
      Then the set "web" settles with pod "web-0"
      And pod "web-2" is never deleted while "web-3" is terminating

  Rule: A pod that stays and is not Running and Ready stops the scale-down

    @scale-halt-unready-in-range
    Scenario: A pod that stays is not Ready
      Given the set "web" is settled with 4 replicas
      And readiness of pod "web-0" is lost
      When the set "web" is scaled to 2
      Then pods "web-2" and "web-3" are the same as before

    @scale-halt-unready-in-range
    Scenario: The scale-down goes on once it is Ready
      Given the set "web" is settled with 4 replicas
      And readiness of pod "web-0" is lost
      And the set "web" is scaled to 2
      When readiness of pod "web-0" is granted
      Then the set "web" settles with pods "web-0" and "web-1"
      And pod "web-3" is never deleted while "web-0" is not Ready

    @scale-halt-unready-in-range
    Scenario: A probe that fails stops the scale-down
      Given the set "web" is planned
      And its pods answer a probe
      And the set "web" is created with 3 replicas
      And the probe of pods "web-0", "web-1" and "web-2" succeeds
      And the probe of pod "web-0" fails
      When the set "web" is scaled to 1
      Then pods "web-1" and "web-2" are the same as before

  Rule: A pod that leaves goes although it is not Ready, if no other is in the way

    @scale-one-unready-condemned-goes
    Scenario: The highest pod is not Ready
      Given the set "web" is settled with 3 replicas
      And readiness of pod "web-2" is lost
      When the set "web" is scaled to 2
      Then the set "web" settles with pods "web-0" and "web-1"

    @scale-halt-many-unready-condemned
    Scenario: Of several pods that leave and are not Ready none goes
      Given the set "web" is settled with 3 replicas
      And readiness of pods "web-0" to "web-2" is lost
      When the set "web" is scaled to 0
      Then pods "web-0" to "web-2" are the same as before

  Rule: A pod that leaves goes although one below that leaves too is not Ready

    @scale-healthy-above-unready-condemned
    Scenario: The lower of two is not Ready
      Given the set "web" is settled with 3 replicas
      And readiness of pod "web-1" is lost
      When the set "web" is scaled to 1
      Then the set "web" settles with pod "web-0"
      And the pods of "web" are deleted in the order "web-2", "web-1"

  Rule: A pod that leaves and is lost is not recreated

    @scale-no-resurrect
    Scenario: Somebody deletes a pod that was to leave
      Given the set "web" is settled with 4 replicas
      And the end of pod "web-3" is held up
      And the set "web" is scaled to 1
      And pod "web-3" begins to terminate
      When pod "web-1" is lost
      Then pod "web-1" stays missing
      And pods "web-0" and "web-2" are the same as before

  Rule: The pod's own grace period applies

    @scale-grace
    Scenario: A pod is given the time that its template asks for
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              terminationGracePeriodSeconds: 7
        """
      And the set "web" is settled with 2 replicas
      And the end of pod "web-1" is held up
      When the set "web" is scaled to 1
      Then pod "web-1" begins to terminate
      And pod "web-1" is given 7 seconds to end
