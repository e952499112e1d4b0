Feature: A controller that ends and begins again goes on where it was
  Whoever runs a cluster moves and replaces its controllers at any time; nothing of a set rests on their memory.
  Source: Kubernetes documentation, controllers; the StatefulSet controller keeps all its state in the API.

  Rule: A restart changes nothing of a set that is as it should be

    @rob-controller-restart-idle @rev-no-growth
    Scenario: Nothing is to be done
      Given the set "web" is settled with 3 replicas
      When the controller is restarted
      Then pods "web-0" to "web-2" are the same as before
      And it has 1 revision

    @upd-upgrade-no-spurious @rev-semantic-equal
    Scenario: An older version has written the revision
      Given the set "web" is planned
      And its template changes to revision "blue"
      And a revision of nobody holds the template of "blue" in old words
      And the set "web" is settled with 2 replicas
      When the controller is restarted
      Then pods "web-0" and "web-1" are the same as before
      And the revision made by hand is its update revision
      And it has 1 revision

    @upd-upgrade-no-spurious @rev-semantic-equal
    Scenario: An older version has written the revision, and the set is looked at anew
      Given the set "web" is planned
      And its template changes to revision "blue"
      And a revision of nobody holds the template of "blue" in old words
      And the set "web" is settled with 2 replicas
      When the annotation "stsspec.dev/note" of set "web" changes to "look again"
      Then pods "web-0" and "web-1" are the same as before
      And the revision made by hand is its update revision
      And it has 1 revision

    @upd-upgrade-no-spurious
    Scenario: Its pods were being replaced one by one
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      When the controller is restarted
      Then pods "web-0" to "web-2" are the same as before
      And its revisions are "blue" and "green"

    @rev-no-growth
    Scenario: A rollout lies behind it
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And pods "web-0" and "web-1" are replaced at revision "green"
      When the controller is restarted
      Then pods "web-0" and "web-1" are the same as before
      And it has 2 revisions

  Rule: What is asked for while no controller runs is done by the next one

    @rob-restart-anywhere @rob-stale-set
    Scenario: A set grows in the meantime
      Given the set "web" is settled with 1 replica
      And the controller is stopped
      And the set "web" is scaled to 3
      When the controller is started
      Then the set "web" settles with pods "web-0" to "web-2"
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"

  Rule: A controller that ends at any single write comes to the same end

    @rob-restart-anywhere
    Scenario Outline: It ends at a creation: <when>
      Given the set "web" is planned
      And the controller's next 1 request to create pods meets a crash <when> it
      When the set "web" is created with 3 replicas
      Then the set "web" settles with pods "web-0" to "web-2"
      And no pod of "web" is deleted

      Examples:
        | when   |
        | before |
        | after  |

    @rob-restart-anywhere
    Scenario Outline: It ends in a rollout: <when>
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the controller's next 1 request to delete pods meets a crash <when> it
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-2", "web-1", "web-0"
      And at no time is more than 1 pod of "web" unavailable

      Examples:
        | when   |
        | before |
        | after  |

    @rob-restart-anywhere
    Scenario Outline: It ends at a write of the status: <when>
      Given the set "web" is settled with 2 replicas
      And the controller's next 1 request to update sets meets a crash <when> it
      When the set "web" is scaled to 3
      Then the set "web" settles with pods "web-0" to "web-2"
      And its status counts 3 Ready replicas

      Examples:
        | when   |
        | before |
        | after  |

  Rule: Two controllers at once keep the order of a set

    @rob-two-controllers
    Scenario: A second one starts before the first one ends
      Given the controller is started a second time
      When the set "web" is created with 3 replicas
      Then the set "web" settles with pods "web-0" to "web-2"
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"
