Feature: A set says how far a recreation has come
  Whoever waits for a new version need not count pods.
  Source: KEP-3541, StatefulSet Recreate update strategy, condition Progressing.

  Background:
    Given the set "web" is planned
    And its update strategy is Recreate

  Rule: A set that never was recreated says nothing

    @rcr-initial-no-condition
    Scenario: A new set
      When the set "web" is created with 2 replicas
      Then the set "web" settles with pods "web-0" and "web-1"
      And set "web" reads
        """
        status: {observedGeneration: 1, conditions: null}
        """

    @rcr-initial-no-condition
    Scenario: The first change of its template
      Given the set "web" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then its condition "Progressing" becomes "False"

  Rule: While old pods are left or new ones are awaited it is progressing

    @rcr-event
    Scenario: No event tells of it
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And pods "web-0" and "web-1" are replaced at revision "green"
      Then no event "RecreateStarted" of set "web" says ""

    @rcr-progressing @rcr-progressing-message
    Scenario: An old pod is left
      Given the set "web" is settled with 2 replicas at revision "blue"
      And the end of pod "web-1" is held up
      When its template changes to revision "green"
      Then its condition "Progressing" becomes "True"
      And set "web" reads
        """
        status:
          conditions:
          - {type: Progressing, status: "True", reason: RecreateInProgress, message: Deleting old revision pods}
        """

    @rcr-progressing @rcr-progressing-message
    Scenario: New pods are awaited
      Given the set "web" is settled with 2 replicas at revision "blue"
      And readiness of new pods is withheld
      When its template changes to revision "green"
      Then pod "web-0" is replaced at revision "green"
      And pod "web-1" stays missing
      And set "web" reads
        """
        status:
          conditions:
          - {type: Progressing, status: "True", reason: RecreateInProgress, message: Waiting for new-revision pods to be created}
        """

  Rule: When all new pods are Ready it is not any more

    @rcr-progressing @rcr-progressing-message
    Scenario: A rollout that is over
      Given the set "web" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then pods "web-0" and "web-1" are replaced at revision "green"
      And its condition "Progressing" becomes "False"
      And set "web" reads
        """
        status:
          conditions:
          - {type: Progressing, status: "False", reason: RecreateCompleted, message: All pods recreated successfully}
        """
