Feature: A pod that is on its way out still holds its place
  Two pods with one identity never exist at the same time.
  Source: Kubernetes documentation, StatefulSet, deployment and scaling guarantees.

  Rule: A pod is replaced only after its object is gone

    @ord-replacement-after-gone
    Scenario: A lost pod is replaced under another UID
      Given the set "web" is settled with 2 replicas
      When pod "web-1" is lost
      Then the new "web-1" came only after the old one was gone
      And the new "web-1" has another UID than the old one

    @ord-replacement-after-gone
    Scenario: A pod that cannot end is not replaced
      Given the set "web" is settled with 2 replicas
      And the end of pod "web-1" is held up
      And pod "web-1" is lost
      When the end of pod "web-1" is let through
      Then the new "web-1" came only after the old one was gone

    @ord-replacement-after-gone
    Scenario: With the Parallel policy too
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 3 replicas
      When pods "web-0", "web-1" and "web-2" are lost together
      Then the new "web-0" came only after the old one was gone
      And the new "web-1" came only after the old one was gone
      And the new "web-2" came only after the old one was gone

  Rule: A terminating pod stops the creation of higher pods, scale-down and updates until its object is gone

    @ord-terminating-in-range-halts
    Scenario: No pod is added above a terminating one
      Given the set "web" is settled with 2 replicas
      And the end of pod "web-0" is held up
      And pod "web-0" is lost
      When the set "web" is scaled to 4
      Then pods "web-2" and "web-3" stay missing

    @ord-terminating-in-range-halts
    Scenario: No pod is removed while a lower one is terminating
      Given the set "web" is settled with 4 replicas
      And the end of pod "web-0" is held up
      And pod "web-0" is lost
      When the set "web" is scaled to 2
      Then pods "web-2" and "web-3" are the same as before

    @ord-terminating-in-range-halts
    Scenario: No pod is updated while a lower one is terminating
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the end of pod "web-0" is held up
      And pod "web-0" is lost
      When its template changes to revision "green"
      Then pods "web-1" and "web-2" are the same as before

    @ord-terminating-in-range-halts
    Scenario: No pod is added above one that takes its time to end and is Ready meanwhile
      Given the set "web" is planned
      And its pods take their time to end
      And the set "web" is settled with 2 replicas
      And pod "web-0" is lost
      When the set "web" is scaled to 4
      Then pods "web-2" and "web-3" stay missing

    @ord-terminating-in-range-halts
    Scenario: Everything goes on once it is gone
      Given the set "web" is settled with 2 replicas
      And the end of pod "web-0" is held up
      And pod "web-0" is lost
      And the set "web" is scaled to 3
      When the end of pod "web-0" is let through
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"
      And pod "web-2" is never created while "web-0" is not Ready
