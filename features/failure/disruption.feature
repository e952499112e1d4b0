Feature: Members that are asked to leave come back elsewhere
  Whoever drains a node or needs its room does not lose a member for good.
  Source: Kubernetes documentation, disruptions; pod priority and preemption; safely drain a node.

  Rule: An evicted pod is created again with its identity

    @fail-evicted
    Scenario: A pod is evicted
      Given the set "web" is settled with 3 replicas
      When pod "web-1" is evicted
      Then the new "web-1" came only after the old one was gone
      And the new "web-1" has the labels of the old one
      And pods "web-0" and "web-2" are the same as before
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: A budget that would be broken forbids the eviction

    @fail-evicted-pdb
    Scenario: No pod may go
      Given the set "web" is settled with 3 replicas
      And no pod of "web" may be disrupted
      Then pod "web-1" cannot be evicted
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

    @fail-evicted-pdb
    Scenario: One is away already
      Given the set "web" is settled with 3 replicas
      And at most one pod of "web" may be disrupted
      And readiness of new pods is withheld
      When pod "web-2" is evicted
      Then pod "web-2" becomes Running
      And pod "web-1" cannot be evicted

  Rule: With a budget of one all nodes can be drained, and all pods but one stay Ready

    @fail-drain
    Scenario: Every node is drained in turn
      Given the cluster has 3 nodes
      And the set "web" is settled with 3 replicas
      And at most one pod of "web" may be disrupted
      When every node is drained in turn
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"
      And at no time is more than 1 pod of "web" unavailable

    @fail-drain
    Scenario: One node is drained
      Given the cluster has 3 nodes
      And the set "web" is settled with 3 replicas
      When the node of pod "web-1" is drained
      Then the new "web-1" has another node than the old one
      And pods "web-0" and "web-2" are the same as before

  Rule: A pod that makes room for a more important one is created again

    @fail-preempted
    Scenario: A pod is preempted
      Given the cluster has 3 nodes
      And the set "web" is settled with 3 replicas
      When a pod of higher priority takes the room of pod "web-2"
      Then the new "web-2" has another node than the old one
      And pods "web-0" and "web-1" are the same as before
      And the set "web" settles with pods "web-0", "web-1" and "web-2"
