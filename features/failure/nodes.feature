Feature: A node that is lost does not cost a set its promise
  Two pods with one identity never run at once unless somebody who knows better says so.
  Source: Kubernetes documentation, node; force delete StatefulSet pods; non-graceful node shutdown.

  Background:
    Given the cluster has 3 nodes

  Rule: A pod on a node that cannot be reached is told to go, stays, and is not replaced

    @fail-node-unreachable-holds
    Scenario: A node is cut off
      Given the set "web" is settled with 3 replicas
      When the node of pod "web-1" is cut off
      Then pod "web-1" begins to terminate
      And pod "web-1" stays though it is being deleted
      And pods "web-0" and "web-2" are the same as before

    @fail-node-unreachable-holds
    Scenario: With the Parallel policy too
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 3 replicas
      When the node of pod "web-1" is cut off
      Then pod "web-1" begins to terminate
      And pod "web-1" stays though it is being deleted

  Rule: When the node comes back it lets the pod go, and the pod is replaced

    @fail-node-returns @id-unique-live
    Scenario: The node was cut off
      Given the set "web" is settled with 3 replicas
      And the node of pod "web-1" is cut off
      And pod "web-1" begins to terminate
      When that node returns
      Then the new "web-1" came only after the old one was gone
      And pods "web-0" and "web-2" are the same as before
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

    @fail-node-returns
    Scenario: The node had lost its power
      Given the set "web" is settled with 3 replicas
      And the node of pod "web-1" loses its power
      And pod "web-1" begins to terminate
      When that node returns
      Then the new "web-1" came only after the old one was gone
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

    @fail-node-returns
    Scenario: It comes back before its pods are given up
      Given the set "web" is settled with 3 replicas
      And the node of pod "web-1" is cut off
      And pod "web-1" becomes not Ready
      When that node returns
      Then pod "web-1" becomes Ready
      And pods "web-0" to "web-2" are the same as before

  Rule: A node that no pod may stay on loses its pods, and they come back elsewhere

    @x-taint-eviction
    Scenario: A node is tainted
      Given the set "web" is settled with 3 replicas
      When the node of pod "web-1" is tainted
      Then the new "web-1" came only after the old one was gone
      And the new "web-1" has another node than the old one
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: When the node's object is deleted its pods go with it, and are replaced elsewhere

    @fail-node-deleted
    Scenario: Somebody deletes the node
      Given the set "web" is settled with 3 replicas
      And the node of pod "web-1" loses its power
      When that node is deleted
      Then the new "web-1" has another node than the old one
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: When somebody vouches that the node is off its pods go at once, and are replaced elsewhere

    @fail-out-of-service
    Scenario: The node is said to be out of service
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 3 replicas
      And pod "db-1" writes "one" to "/data/file"
      And the node of pod "db-1" loses its power
      And pod "db-1" begins to terminate
      When that node is out of service
      Then the new "db-1" has another node than the old one
      And the new "db-1" has the claims of the old one
      And the set "db" settles with pods "db-0", "db-1" and "db-2"
      And pod "db-1" reads "one" from "/data/file"

  Rule: A node that is shut down in order lets its pods fail, and they are replaced

    @fail-node-shutdown
    Scenario: A node shuts down
      Given the set "web" is settled with 3 replicas
      When the node of pod "web-1" shuts down
      Then the new "web-1" came only after the old one was gone
      And the new "web-1" has another node than the old one
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: Whoever deletes the pod of a lost node by force takes the promise upon themselves

    @fail-force-delete-split
    Scenario: Two processes of one identity
      Given the set "db" is planned
      And its pods claim storage "data"
      And its description says
        """
        spec:
          template:
            spec:
              containers:
                - name: main
                  command: [sh, -c, "trap 'printf down, >> /data/log; exit 0' TERM; printf up, >> /data/log; sleep 2147483647 & wait"]
          volumeClaimTemplates:
            - metadata:
                name: data
              spec:
                accessModes: [ReadWriteMany]
        """
      And the set "db" is settled with 3 replicas
      And the node of pod "db-1" is cut off
      And pod "db-1" begins to terminate
      When pod "db-1" is lost by force
      Then the new "db-1" has another node than the old one
      And the set "db" settles with pods "db-0", "db-1" and "db-2"
      And pod "db-1" reads "up,up," from "/data/log"
