Feature: What others write into a status is checked, and kept
  Operators add conditions of their own; nobody may make the numbers contradict each other.
  Source: Kubernetes API reference, StatefulSetStatus; API conventions, conditions.

  Rule: A condition that somebody else wrote stays

    @st-conditions-preserved
    Scenario: The controller writes after it
      Given the set "web" is settled with 2 replicas
      And this merge patch of the status of set "web" is submitted
        """
        status: {conditions: [{type: Backup, status: "True", reason: Done}]}
        """
      When readiness of pod "web-1" is lost
      Then its status counts 1 Ready replica
      And its condition "Backup" is "True"

    @st-conditions-preserved
    Scenario: A whole rollout after it
      Given the set "web" is settled with 2 replicas at revision "blue"
      And this merge patch of the status of set "web" is submitted
        """
        status: {conditions: [{type: Backup, status: "False"}]}
        """
      When its template changes to revision "green"
      Then its current revision becomes "green"
      And its condition "Backup" is "False"

  Rule: The collision count is never lowered

    @st-collision
    Scenario: The controller keeps what it finds
      Given the set "web" is settled with 2 replicas
      And this merge patch of the status of set "web" is submitted
        """
        status: {collisionCount: 5}
        """
      When the set "web" is scaled to 3
      Then the set "web" settles with pods "web-0" to "web-2"
      And its collision count becomes 5

    @st-collision-write
    Scenario: Nobody else may lower it
      Given the set "web" is settled with 1 replica
      And this merge patch of the status of set "web" is submitted
        """
        status: {collisionCount: 5}
        """
      When this merge patch of the status of set "web" is submitted
        """
        status: {collisionCount: 4}
        """
      Then the request is refused as "422 Invalid"
        | reason            | field                 |
        | FieldValueInvalid | status.collisionCount |

    @st-collision-write
    Scenario: Nobody else may remove it
      Given the set "web" is settled with 1 replica
      And this merge patch of the status of set "web" is submitted
        """
        status: {collisionCount: 5}
        """
      When this merge patch of the status of set "web" is submitted
        """
        status: {collisionCount: null}
        """
      Then the request is refused as "422 Invalid"
        | reason            | field                 |
        | FieldValueInvalid | status.collisionCount |

  Rule: A pod that does not run is neither Ready nor available, whatever its conditions say

    @st-phase-gates-ready
    Scenario: A pod that no node has taken
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its description says
        """
        spec:
          template:
            spec:
              nodeSelector:
                stsspec.dev/no-node-has-this: "true"
        """
      And the set "web" is created with 1 replica
      And pod "web-0" becomes Pending
      And this strategic merge patch of the status of pod "web-0" is submitted
        """
        status: {conditions: [{type: Ready, status: "True"}]}
        """
      When the set "web" is scaled to 2
      Then its status counts 2 replicas
      And its status counts 0 Ready replicas
      And its status counts 0 available replicas

  Rule: People are shown the same numbers

    @st-ready-column-consistent
    Scenario: One of three is Ready
      Given the set "web" is settled with 3 replicas
      And readiness of pods "web-1" and "web-2" is lost
      And its status counts 1 Ready replica
      Then the column "READY" of set "web" shows "1/3"
