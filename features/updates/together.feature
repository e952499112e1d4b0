Feature: What a set asks for holds together
  Every two of its settings meet in some set here, so that none of them is lost beside another.
  Source: Kubernetes documentation, StatefulSet; a pairwise covering array of six settings with two values each.

  Rule: A rolling update keeps to partition, limit, first ordinal, waiting time, retention and policy at once

    @part-max-unavailable @part-phased @maxu-bound @ret-pod-restart-keeps
    Scenario Outline: <policy> from <first>, partition <partition>, <most> at once, <seconds> seconds, <fate>
      Given the set "db" is planned
      And its pods claim storage "data"
      And its pod management policy is <policy>
      And its first ordinal is <first>
      And its rolling update is partitioned at ordinal <partition>
      And its number of pods that may be unavailable is <most>
      And its number of seconds until a pod is available is <seconds>
      And its claim retention when scaled is <fate>
      And the set "db" is settled with 4 replicas at revision "blue"
      And its status counts 4 available replicas
      When its template changes to revision "green"
      Then pods <new> are replaced at revision "green"
      And pods <old> are the same as before
      And at no time are more than <most> pods of "db" unavailable
      And claims <claims> are the same as before
      And claims <claims> belong to nobody

      Examples:
        | policy       | first | partition | most | seconds | fate   | new              | old               | claims                       |
        | OrderedReady | 0     | 1         | 1    | 0       | Retain | "db-1" to "db-3" | "db-0"            | "data-db-0" to "data-db-3" |
        | Parallel     | 3     | 2         | 2    | 5       | Delete | "db-5" and "db-6" | "db-3" and "db-4" | "data-db-3" to "data-db-6" |
        | Parallel     | 3     | 2         | 1    | 0       | Retain | "db-5" and "db-6" | "db-3" and "db-4" | "data-db-3" to "data-db-6" |
        | Parallel     | 0     | 1         | 2    | 5       | Retain | "db-1" to "db-3" | "db-0"            | "data-db-0" to "data-db-3" |
        | OrderedReady | 3     | 1         | 2    | 0       | Delete | "db-4" to "db-6" | "db-3"            | "data-db-3" to "data-db-6" |
        | OrderedReady | 0     | 2         | 1    | 5       | Delete | "db-2" and "db-3" | "db-0" and "db-1" | "data-db-0" to "data-db-3" |

  Rule: A set that shrinks while its rollout rests keeps to them too

    @ret-scaled-gc @start-scale-down
    Scenario Outline: <policy> from <first>, partition <partition>, <most> at once, <seconds> seconds, <fate>, one pod fewer
      Given the set "db" is planned
      And its pods claim storage "data"
      And its pod management policy is <policy>
      And its first ordinal is <first>
      And its number of pods that may be unavailable is <most>
      And its number of seconds until a pod is available is <seconds>
      And its claim retention when scaled is <fate>
      And the rollout of "db" with 4 replicas from "blue" to "green" rests at partition <partition>
      When the set "db" is scaled to 3
      Then the set "db" settles with pods <pods>
      And claim <claim> <end>
      And pods <pods> are the same as before

      Examples:
        | policy       | first | partition | most | seconds | fate   | pods             | claim       | end                  |
        | OrderedReady | 0     | 1         | 1    | 0       | Retain | "db-0" to "db-2" | "data-db-3" | is the same as before |
        | Parallel     | 3     | 2         | 2    | 5       | Delete | "db-3" to "db-5" | "data-db-6" | disappears           |
        | Parallel     | 3     | 2         | 1    | 0       | Retain | "db-3" to "db-5" | "data-db-6" | is the same as before |
        | Parallel     | 0     | 1         | 2    | 5       | Retain | "db-0" to "db-2" | "data-db-3" | is the same as before |
        | OrderedReady | 3     | 1         | 2    | 0       | Delete | "db-3" to "db-5" | "data-db-6" | disappears           |
        | OrderedReady | 0     | 2         | 1    | 5       | Delete | "db-0" to "db-2" | "data-db-3" | disappears           |
