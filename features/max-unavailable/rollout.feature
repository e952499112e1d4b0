Feature: An update may take several pods at once
  A large set is updated in bearable time, and as many members as the service needs stay up.
  Source: Kubernetes documentation, StatefulSet, maximum unavailable pods; KEP-961.

  Rule: No more pods are unavailable because of an update than may be

    @maxu-bound
    Scenario Outline: Two of five under the policy <policy>
      Given the set "web" is planned
      And its pod management policy is <policy>
      And its number of pods that may be unavailable is 2
      And the set "web" is settled with 5 replicas at revision "blue"
      When its template changes to revision "green"
      Then pods "web-0" to "web-4" are replaced at revision "green"
      And at no time are more than 2 pods of "web" unavailable

      Examples:
        | policy       |
        | OrderedReady |
        | Parallel     |

    @maxu-percent-floor
    Scenario: A percentage is rounded down
      Given the set "web" is planned
      And its number of pods that may be unavailable is "50%"
      And the set "web" is settled with 5 replicas at revision "blue"
      When its template changes to revision "green"
      Then pods "web-0" to "web-4" are replaced at revision "green"
      And at no time are more than 2 pods of "web" unavailable

    @maxu-counts-updated-unready
    Scenario Outline: New pods that are not Ready use the limit up under the policy <policy>
      Given the set "web" is planned
      And its pod management policy is <policy>
      And its number of pods that may be unavailable is 2
      And the set "web" is settled with 4 replicas at revision "blue"
      And readiness of new pods is withheld
      When its template changes to revision "green"
      Then pod "web-2" is replaced at revision "green"
      And pods "web-0" and "web-1" are the same as before

      Examples:
        | policy       |
        | OrderedReady |
        | Parallel     |

    @maxu-minready @maxu-minready-window
    Scenario: An ordered set goes on when all new pods are available, not when they are Ready
      Given the set "web" is planned
      And its number of pods that may be unavailable is 2
      And its number of seconds until a pod is available is 20
      And the set "web" is settled with 3 replicas at revision "blue"
      And its status counts 3 available replicas
      When its template changes to revision "green"
      Then pod "web-0" is deleted when "web-2" has been Ready for 20 seconds, not before
      And at no time are more than 2 pods of "web" unavailable

    @maxu-minready @maxu-minready-window
    Scenario: In a parallel set a place is free when a new pod is available, not when it is Ready
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of pods that may be unavailable is 2
      And its number of seconds until a pod is available is 20
      And the set "web" is settled with 3 replicas at revision "blue"
      And its status counts 3 available replicas
      And readiness of new pods is withheld
      And its template changes to revision "green"
      And pods "web-1" and "web-2" are replaced at revision "green"
      When readiness of pod "web-2" is granted
      Then pod "web-0" is deleted when "web-2" has been Ready for 20 seconds, not before
      And at no time are more than 2 pods of "web" unavailable

  Rule: An ordered set takes as many pods as may be unavailable, and brings them back one by one

    @maxu-ordered-batch
    Scenario: The first two go without waiting for each other
      Given the set "web" is planned
      And its number of pods that may be unavailable is 2
      And the set "web" is settled with 5 replicas at revision "blue"
      And the end of pods "web-3" and "web-4" is held up
      When its template changes to revision "green"
      Then only pods "web-3" and "web-4" of "web" begin to terminate

    @maxu-ordered-batch
    Scenario: They come back from the lowest up, each when the one before is Ready
      Given the set "web" is planned
      And its number of pods that may be unavailable is 2
      And its rolling update is partitioned at ordinal 2
      And the set "web" is settled with 4 replicas at revision "blue"
      When its template changes to revision "green"
      Then pods "web-2" and "web-3" are replaced at revision "green"
      And the pods of "web" are created in the order "web-2", "web-3"
      And pod "web-3" is never created while "web-2" is not Ready

    @maxu-ordered-batch
    Scenario: The next two go when all are available
      Given the set "web" is planned
      And its number of pods that may be unavailable is 2
      And the set "web" is settled with 4 replicas at revision "blue"
      When its template changes to revision "green"
      Then pods "web-0" to "web-3" are replaced at revision "green"
      And pod "web-1" is never deleted while "web-2" is not Ready
      And pod "web-1" is never deleted while "web-3" is not Ready

  Rule: A parallel set takes the next pod as soon as one is available

    @maxu-parallel-window
    Scenario: One of two new pods is Ready
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of pods that may be unavailable is 2
      And the set "web" is settled with 4 replicas at revision "blue"
      And readiness of new pods is withheld
      And its template changes to revision "green"
      And pods "web-2" and "web-3" are replaced at revision "green"
      When readiness of pod "web-2" is granted
      Then pod "web-1" is replaced at revision "green"
      And pod "web-0" is the same as before

  Rule: Scaling takes no notice of the limit

    @maxu-scale-unaffected
    Scenario: An ordered set shrinks one pod at a time
      Given the set "web" is planned
      And its number of pods that may be unavailable is 3
      And the set "web" is settled with 4 replicas
      When the set "web" is scaled to 1
      Then the set "web" settles with pod "web-0"
      And the pods of "web" are deleted in the order "web-3", "web-2", "web-1"
      And no two pods of "web" ever terminate at once

    @maxu-scale-unaffected
    Scenario: A parallel set shrinks at once
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of pods that may be unavailable is 1
      And the set "web" is settled with 3 replicas
      And the end of pods "web-1" and "web-2" is held up
      When the set "web" is scaled to 1
      Then only pods "web-1" and "web-2" of "web" begin to terminate
