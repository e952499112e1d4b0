Feature: The status names where a set comes from and where it goes to
  A rollout is over when both names are one; scripts compare nothing else.
  Source: Kubernetes API reference, StatefulSetStatus, currentRevision and updateRevision.

  Rule: The update revision is that of the template, whatever the pods are

    @st-update-revision
    Scenario: No pod follows
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its rolling update is partitioned at ordinal 3
      When its template changes to revision "green"
      Then its update revision becomes "green"
      And its current revision stays "blue"

    @st-update-revision
    Scenario: A change is taken back
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its rolling update is partitioned at ordinal 3
      And its template changes to revision "green"
      And its update revision becomes "green"
      When its template changes to revision "blue"
      Then its update revision becomes "blue"

  Rule: The update revision becomes the current one when all pods are at it and Ready, not before

    @st-current-revision
    Scenario: The last pod is not Ready
      Given the set "web" is settled with 3 replicas at revision "blue"
      And readiness of pod "web-0" is withheld
      When its template changes to revision "green"
      Then pod "web-0" is replaced at revision "green"
      And its status counts 3 updated replicas
      And its current revision stays "blue"

    @st-current-revision
    Scenario: The last pod becomes Ready
      Given the set "web" is settled with 3 replicas at revision "blue"
      And readiness of pod "web-0" is withheld
      And its template changes to revision "green"
      And pod "web-0" is replaced at revision "green"
      When readiness of pod "web-0" is granted
      Then its current revision becomes "green"
      And its status counts 3 current replicas

    @st-current-revision @ond-status-promotes
    Scenario: A set that is updated by hand
      Given the set "web" is planned
      And its update strategy is OnDelete
      And the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And pod "web-0" is lost
      And pod "web-0" is replaced at revision "green"
      When pod "web-1" is lost
      Then its current revision becomes "green"

    @st-promotion-ignores-available
    Scenario: Ready is enough, available is not asked for
      Given the set "web" is planned
      And its number of seconds until a pod is available is 120
      And the set "web" is settled with 1 replica at revision "blue"
      When its template changes to revision "green"
      Then its current revision becomes "green"
      And its status counts 0 available replicas
