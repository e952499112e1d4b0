Feature: A pod that no longer matches is let go
  Taking a label off a pod sets it aside for a closer look, alive.
  Source: Kubernetes documentation, labels and selectors; controllers release what does not match.

  Rule: A pod whose labels stop matching is released and keeps running

    @own-release
    Scenario: Set aside
      Given the set "web" is settled with 2 replicas
      When the label "app" of pod "web-1" changes to "quarantine"
      Then pod "web-1" belongs to nobody
      And pod "web-1" is the same as before

    @own-release-name-conflict
    Scenario: Its name is not free while it is there
      Given the set "web" is settled with 2 replicas
      And the label "app" of pod "web-1" changes to "quarantine"
      And its status counts 1 replica
      And pod "web-1" is lost
      And pod "web-1" is replaced
      When the set "web" is scaled to 3
      Then the set "web" settles with pods "web-0" to "web-2"

  Rule: A pod whose labels match again is adopted again

    @own-readopt
    Scenario: Back without a restart
      Given the set "web" is settled with 2 replicas
      And the label "app" of pod "web-1" changes to "quarantine"
      And pod "web-1" belongs to nobody
      When the label "app" of pod "web-1" changes to "web"
      Then the set "web" owns pod "web-1"
      And pod "web-1" is the same as before
