Feature: Late and lost news delay a set and do it no harm
  A controller decides by what it was told; watches lag, end and lose events, and its decisions stay within what was true.
  Source: Kubernetes documentation, API concepts, efficient detection of changes; the StatefulSet controller's informers.

  Rule: A watch that became too old is begun anew, and nothing is deleted for it

    @rob-410
    Scenario: All watches end at once
      Given the set "web" is settled with 3 replicas
      When the controller's watches become too old
      Then pods "web-0" to "web-2" are the same as before
      And no pod of "web" is deleted

  Rule: Events that never came are made up for by the next list

    @rob-missed-event
    Scenario: Nobody tells the controller that a pod is lost
      Given the set "web" is settled with 3 replicas
      And what happens to pods reaches the controller not at all
      And pod "web-1" is lost
      When what happens to pods reaches the controller as it should
      Then the set "web" settles with pods "web-0" to "web-2"
      And pods "web-0" and "web-2" are the same as before

  Rule: An old spec is acted on only as long as it is not known better

    @rob-stale-set
    Scenario: The set shrinks and the controller does not know
      Given the set "web" is settled with 2 replicas
      And what happens to sets reaches the controller not for now
      And the set "web" is scaled to 1
      And pod "web-1" is lost
      When what happens to sets reaches the controller as it should
      Then the set "web" settles with pod "web-0"

  Rule: A controller waits for its own writes before it goes on

    @rob-own-write-gate
    Scenario Outline: What happens to <things> comes <manner>
      Given what happens to <things> reaches the controller <manner>
      When the set "web" is created with 3 replicas
      Then the set "web" settles with pods "web-0" to "web-2"
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"
      And no pod of "web" is deleted

      Examples:
        | things | manner          |
        | pods   | 5 seconds late  |
        | pods   | twice           |
        | sets   | 10 seconds late |

  Rule: A pod that is gone needs no deletion any more

    @upd-delete-404-ok
    Scenario: The pod to be replaced was lost, and the controller does not know
      Given the set "web" is settled with 2 replicas at revision "blue"
      And what happens to pods reaches the controller not for now
      And pod "web-1" is lost by force
      When its template changes to revision "green"
      Then an event "SuccessfulDelete" of set "web" says "Pod web-1"
      And no event "FailedDelete" of set "web" says "Pod web-1"

  Rule: A controller decides by what it was told, even if that is no longer so

    @ord-probe-flip-race
    Scenario: A pod stops being Ready, and the set grows before the controller knows
      Given the set "web" is settled with 1 replica
      And what happens to pods reaches the controller not for now
      And readiness of pod "web-0" is lost
      When the set "web" is scaled to 2
      Then pod "web-1" becomes Running
