Feature: With OnDelete pods are updated when somebody deletes them
  Whoever runs the service decides when each member changes.
  Source: Kubernetes documentation, StatefulSet, update strategies, OnDelete.

  Background:
    Given the set "web" is planned
    And its update strategy is OnDelete

  Rule: A change of the template deletes no pod

    @ond-no-auto
    Scenario: Nothing happens
      Given the set "web" is settled with 3 replicas at revision "blue"
      When its template changes to revision "green"
      Then its update revision becomes "green"
      And pods "web-0" to "web-2" are the same as before

  Rule: A pod that is deleted or failed comes back at the new revision, and no other

    @ond-manual
    Scenario: Somebody deletes a pod
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its template changes to revision "green"
      When pod "web-1" is lost
      Then pod "web-1" is replaced at revision "green"
      And pods "web-0" and "web-2" are the same as before

    @ond-failed-pod
    Scenario: A pod fails
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its template changes to revision "green"
      When pod "web-0" fails
      Then pod "web-0" is replaced at revision "green"
      And pods "web-1" and "web-2" are the same as before

  Rule: New ordinals are created at the new revision

    @ond-scale-up
    Scenario: The set grows
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      When the set "web" is scaled to 3
      Then pod "web-2" is at revision "green"
      And pods "web-0" and "web-1" are the same as before

  Rule: The update is complete once every pod was replaced

    @ond-status-promotes
    Scenario: The last pod is deleted
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And pod "web-0" is lost
      And pod "web-0" is replaced at revision "green"
      When pod "web-1" is lost
      Then pod "web-1" is replaced at revision "green"
      And its current revision becomes "green"

  Rule: Switching to RollingUpdate starts to replace outdated pods, and makes no revision

    @ond-switch
    Scenario: A rollout that waited is started
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its template changes to revision "green"
      When its update strategy becomes RollingUpdate
      Then the pods move to "green" in the order "web-2", "web-1", "web-0"
      And it has 2 revisions
