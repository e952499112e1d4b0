Feature: An update can be changed or taken back at any time
  The latest wish counts, and what is as wished stays.
  Source: Kubernetes documentation, StatefulSet, rolling updates and forced rollback.

  Rule: A second change in the middle leads straight to the latest revision

    @upd-mid-change
    Scenario: The template changes again while the first pod is not Ready
      Given the set "web" is settled with 3 replicas at revision "blue"
      And readiness of pod "web-1" is withheld
      And its template changes to revision "green"
      And pod "web-1" becomes not Ready
      And its template changes to revision "red"
      When pod "web-1" is lost
      Then pod "web-1" is replaced at revision "red"
      And no pod of "web" was ever made at revision "green" but "web-2" and "web-1"

    @upd-mid-change
    Scenario: Pods at both older revisions are replaced
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      And its template changes to revision "red"
      When its rolling update is partitioned at ordinal 0
      Then pods "web-0" to "web-2" are at revision "red"
      And the set "web" settles with pods "web-0" to "web-2"
      And no pod of "web" was ever made at revision "green" but "web-2"

  Rule: Going back to an earlier template uses its revision again

    @upd-rollback-reuse
    Scenario: Back to blue
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And its current revision becomes "green"
      When its template changes to revision "blue"
      Then the pods move to "blue" in the order "web-1", "web-0"
      And revision "blue" is the same object as before, and the newest
      And it has 2 revisions

  Rule: Taking an update back in the middle replaces only the pods at the abandoned revision

    @upd-rollback-mid
    Scenario: One pod had been updated
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      When its template changes to revision "blue"
      Then pod "web-2" is replaced at revision "blue"
      And pods "web-0" and "web-1" are the same as before
      And the set "web" settles with pods "web-0" to "web-2"
