Feature: Requests that fail are made again, in order
  API servers throttle, restart and disagree; a set comes to its end all the same, and keeps its order on the way.
  Source: the StatefulSet controller, work queue with back-off; client-go, Retry-After.

  Rule: A refusal delays what was to be done and changes nothing of its order

    @rob-429-500
    Scenario Outline: Creations meet <mishap>
      Given the set "web" is planned
      And the controller's next 3 requests to create pods meet <mishap>
      When the set "web" is created with 3 replicas
      Then the set "web" settles with pods "web-0" to "web-2"
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"

      Examples:
        | mishap                         |
        | code 500                       |
        | code 503                       |
        | code 429 and 5 seconds to wait |
        | a reset                        |

    @rob-429-500
    Scenario: Lists and watches fail at first
      Given the controller is stopped
      And the set "web" is created with 2 replicas
      And the controller's next 4 requests to list pods meet code 503
      And the controller's next 2 requests to watch sets meet code 500
      When the controller is started
      Then the set "web" settles with pods "web-0" and "web-1"

  Rule: A conflict is resolved with what is there now

    @rob-409
    Scenario: The status is written by another
      Given the set "web" is settled with 1 replica
      And the controller's next 3 requests to update sets meet code 409
      When the set "web" is scaled to 3
      Then the set "web" settles with pods "web-0" to "web-2"
      And its status counts 3 Ready replicas

  Rule: A write that was done and never answered is neither done twice nor left out

    @rob-lost-response
    Scenario: The answer to a creation is lost
      Given the set "web" is planned
      And the controller's next 2 requests to create pods meet a lost answer
      When the set "web" is created with 3 replicas
      Then the set "web" settles with pods "web-0" to "web-2"
      And no pod of "web" is deleted

    @rob-lost-response
    Scenario: The answer to an update's deletion is lost
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the controller's next 2 requests to delete pods meet a lost answer
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-2", "web-1", "web-0"
      And at no time is more than 1 pod of "web" unavailable
