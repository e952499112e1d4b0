Feature: The story that every tutorial tells
  Who has played the tutorial finds here what it showed, and why.
  Source: Kubernetes documentation, tutorial "StatefulSet Basics".

  Rule: A set of two and its headless Service come up one after the other

    @ord-create-ascending @ord-gated-running-ready
    Scenario: Watching the pods start
      When the manifest "web" is applied
      Then the Service "nginx" has no address of its own
      And whoever watches the pods sees, in this order
        | pod   | status            |
        | web-0 | Pending           |
        | web-0 | ContainerCreating |
        | web-0 | Running           |
        | web-1 | Pending           |
        | web-1 | ContainerCreating |
        | web-1 | Running           |
      And the set "web" settles with pods "web-0" and "web-1"

  Rule: Each member has a name that a one-off pod can look up

    @dns-pod-a @id-hostname-in-container
    Scenario: Looking up the names
      Given the manifest "web" is applied
      And the set "web" settles with pods "web-0" and "web-1"
      When a one-off pod "dns-test" runs
      Then the host name inside pod "web-0" is "web-0"
      And inside pod "dns-test" the name "web-0.nginx" leads to pod "web-0"
      And inside pod "dns-test" the name "web-1.nginx" leads to pod "web-1"

  Rule: Members that are deleted come back in order, under the same names, at other addresses, with their data

    @rec-mass-delete-ordered @id-stable-across-recreate @dns-pod-a-follows-recreate
    Scenario: Deleting both pods
      Given the manifest "web" is applied
      And the set "web" settles with pods "web-0" and "web-1"
      When pods "web-0" and "web-1" are lost together
      Then pods "web-0" and "web-1" are replaced
      And the pods of "web" are created in the order "web-0", "web-1"
      And pod "web-1" is never created while "web-0" is not Ready
      And the new "web-0" has another address than the old one
      And the new "web-1" has another address than the old one
      And the set "web" settles with pods "web-0" and "web-1"
      And the name "web-0.nginx" leads to pod "web-0"
      And the name "web-1.nginx" leads to pod "web-1"

    @pvc-data-survives @pvc-reused-pod-delete
    Scenario: What was written is still there
      Given the manifest "web" is applied
      And the set "web" settles with pods "web-0" and "web-1"
      And pod "web-0" writes "web-0" to "/usr/share/nginx/html/index.html"
      And pod "web-1" writes "web-1" to "/usr/share/nginx/html/index.html"
      When pods "web-0" and "web-1" are lost together
      Then pods "web-0" and "web-1" are replaced
      And the set "web" settles with pods "web-0" and "web-1"
      And pod "web-0" reads "web-0" from "/usr/share/nginx/html/index.html"
      And pod "web-1" reads "web-1" from "/usr/share/nginx/html/index.html"

  Rule: A set can be updated member by member, and the last members first

    @upd-no-trigger
    Scenario: Naming the strategy changes nothing
      Given the manifest "web" is applied
      And the set "web" settles with pods "web-0" and "web-1"
      When its update strategy becomes RollingUpdate
      Then pods "web-0" and "web-1" are the same as before
      And it has 1 revision

    @upd-reverse-order @upd-one-at-a-time
    Scenario: Updating the set
      Given the manifest "web" is applied
      And the set "web" settles with pods "web-0" and "web-1"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-1", "web-0"
      And at no time is more than 1 pod of "web" unavailable

    @part-phased @scale-up-order
    Scenario: Five members and a partition of three
      Given the manifest "web" is applied
      And the set "web" is scaled to 5
      And the set "web" settles with pods "web-0" to "web-4"
      And its rolling update is partitioned at ordinal 3
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-4", "web-3"
      And pods "web-0" to "web-2" are the same as before
