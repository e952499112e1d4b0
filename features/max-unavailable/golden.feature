Feature: Which pods an update takes first is settled
  Whoever plans an update of a set in trouble can tell beforehand which pods it deletes.
  Source: KEP-961; each row was seen on a Kubernetes control plane.

  Rule: An ordered set waits until all pods are available, and then takes as many as may be unavailable from the top

    @maxu-percent-floor @maxu-ordered-batch
    Scenario Outline: <most> of 5 pods may be unavailable
      Given the set "web" is planned
      And its number of pods that may be unavailable is "<most>"
      And the rollout of "web" with 5 replicas from "blue" to "green" rests at partition 5
      And the end of pods "web-0" to "web-4" is held up
      When its rolling update is partitioned at ordinal 0
      Then only <pods> of "web" begin to terminate

      Examples:
        | most | pods                    |
        | 2    | pods "web-3" and "web-4" |
        | 30%  | pod "web-4"             |
        | 50%  | pods "web-3" and "web-4" |

    @maxu-over-replicas
    Scenario: More pods may be unavailable than there are
      Given the set "web" is planned
      And its number of pods that may be unavailable is 10
      And the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 3
      And the end of pods "web-0" to "web-2" is held up
      When its rolling update is partitioned at ordinal 0
      Then only pods "web-0" to "web-2" of "web" begin to terminate

    @upd-blocked-by-unready-lower
    Scenario Outline: Of <replicas> pods <pod> is not Ready
      Given the rollout of "web" with <replicas> replicas from "blue" to "green" rests at partition <replicas>
      And readiness of pod <pod> is lost
      When its rolling update is partitioned at ordinal <partition>
      Then no pod of "web" is deleted

      Examples:
        | replicas | partition | pod     |
        | 1        | 0         | "web-0" |
        | 3        | 0         | "web-2" |
        | 3        | 0         | "web-1" |
        | 5        | 2         | "web-4" |
        | 5        | 2         | "web-0" |

    @maxu-counts-terminating
    Scenario: The highest pod is on its way out
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 3
      And the end of pod "web-2" is held up
      And pod "web-2" is lost
      When its rolling update is partitioned at ordinal 0
      Then no pod of "web" is deleted

  Rule: A parallel set takes pods that are unavailable first and without limit, then others as far as the limit leaves room

    @maxu-parallel-broken-first @maxu-counts-below-partition
    Scenario Outline: Of <replicas> pods, <most> may be unavailable, partition <partition>: <broken> not Ready
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of pods that may be unavailable is <most>
      And the rollout of "web" with <replicas> replicas from "blue" to "green" rests at partition <replicas>
      And readiness of pods <broken> is lost
      And the end of pods "web-0" to "web-<top>" is held up
      When its rolling update is partitioned at ordinal <partition>
      Then only pods <deleted> of "web" begin to terminate

      Examples:
        | replicas | top | partition | most | broken                      | deleted                     |
        | 1        | 0   | 0         | 1    | "web-0"                     | "web-0"                     |
        | 3        | 2   | 0         | 1    | "web-2"                     | "web-2"                     |
        | 5        | 4   | 0         | 2    | "web-3" and "web-4"         | "web-3" and "web-4"         |
        | 5        | 4   | 2         | 1    | "web-4"                     | "web-4"                     |
        | 5        | 4   | 2         | 1    | "web-2"                     | "web-2"                     |
        | 5        | 4   | 3         | 2    | "web-3" and "web-4"         | "web-3" and "web-4"         |
        | 5        | 4   | 3         | 2    | "web-1" and "web-4"         | "web-4"                     |
        | 5        | 4   | 3         | 2    | "web-0"                     | "web-4"                     |
        | 4        | 3   | 0         | 2    | "web-0" and "web-1"         | "web-0" and "web-1"         |
        | 5        | 4   | 0         | 3    | "web-0" and "web-1"         | "web-0", "web-1" and "web-4" |
        | 3        | 2   | 0         | 1    | "web-0" to "web-2"          | "web-0" to "web-2"          |
        | 5        | 4   | 0         | 2    | "web-0"                     | "web-0" and "web-4"         |

    @maxu-counts-below-partition
    Scenario: A pod below the partition uses the limit up
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the rollout of "web" with 5 replicas from "blue" to "green" rests at partition 5
      And readiness of pod "web-1" is lost
      When its rolling update is partitioned at ordinal 2
      Then no pod of "web" is deleted

    @maxu-counts-terminating
    Scenario: A pod that is on its way out uses the limit up
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 3
      And the end of pod "web-2" is held up
      And pod "web-2" is lost
      When its rolling update is partitioned at ordinal 0
      Then no pod of "web" is deleted

    @maxu-counts-terminating @maxu-over-replicas
    Scenario Outline: Of <replicas> pods, <most> may be unavailable: <going> is on its way out
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of pods that may be unavailable is <most>
      And the rollout of "web" with <replicas> replicas from "blue" to "green" rests at partition <replicas>
      And the end of pods "web-0" to "web-<top>" is held up
      And pod <going> is lost
      When its rolling update is partitioned at ordinal 0
      Then only pods <deleted> of "web" begin to terminate

      Examples:
        | replicas | top | most | going   | deleted             |
        | 5        | 4   | 2    | "web-4" | "web-3"             |
        | 3        | 2   | 10   | "web-0" | "web-1" and "web-2" |

    @maxu-counts-terminating @maxu-parallel-broken-first
    Scenario Outline: One pod is on its way out and <broken> is not Ready
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of pods that may be unavailable is 3
      And the rollout of "web" with 5 replicas from "blue" to "green" rests at partition 5
      And readiness of pod <broken> is lost
      And the end of pods "web-0" to "web-4" is held up
      And pod <going> is lost
      When its rolling update is partitioned at ordinal 0
      Then only pods <deleted> of "web" begin to terminate

      Examples:
        | going   | broken  | deleted             |
        | "web-4" | "web-3" | "web-2" and "web-3" |
        | "web-3" | "web-4" | "web-2" and "web-4" |

    @maxu-percent-floor
    Scenario: Half of 5 pods may be unavailable
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of pods that may be unavailable is "50%"
      And the rollout of "web" with 5 replicas from "blue" to "green" rests at partition 5
      And the end of pods "web-0" to "web-4" is held up
      When its rolling update is partitioned at ordinal 0
      Then only pods "web-3" and "web-4" of "web" begin to terminate

    @maxu-minready @maxu-parallel-broken-first
    Scenario: A pod that is Ready but not available yet goes first
      Given the set "web" is planned
      And its pod management policy is Parallel
      And its number of seconds until a pod is available is 50
      And the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 3
      And its status counts 3 available replicas
      And pod "web-1" is lost
      And pod "web-1" is replaced
      And pod "web-1" becomes Ready
      And the end of pods "web-0" to "web-2" is held up
      When its rolling update is partitioned at ordinal 0
      Then only pod "web-1" of "web" begins to terminate
