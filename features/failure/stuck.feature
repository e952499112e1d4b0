Feature: One pod that cannot end holds up the set, not its members
  Who is there goes on working while somebody looks for the cause.
  Source: Kubernetes documentation, StatefulSet, deployment and scaling guarantees.

  Rule: A pod that is stuck terminating blocks what the set would do next

    @fail-stuck-terminating-blocks
    Scenario: The set is scaled and its template changes
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the end of pod "web-1" is held up
      And pod "web-1" is lost
      And the set "web" is scaled to 4
      When its template changes to revision "green"
      Then pod "web-3" stays missing
      And pods "web-0" and "web-2" are the same as before
      And pods "web-0" and "web-2" stay Ready

    @fail-stuck-terminating-blocks
    Scenario: Everything is made up for once it can end
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the end of pod "web-1" is held up
      And pod "web-1" is lost
      And the set "web" is scaled to 4
      And its template changes to revision "green"
      When the end of pod "web-1" is let through
      Then pods "web-0" to "web-3" are at revision "green"
      And the set "web" settles with pods "web-0" to "web-3"
