Feature: A change of the template rolls the pods, and nothing else does
  Operators can tell from an edit whether it restarts anything.
  Source: Kubernetes documentation, StatefulSet, update strategies.

  Rule: Any change in the template makes a new revision and rolls every pod

    @upd-trigger-template
    Scenario Outline: <what>
      Given the set "web" is settled with 2 replicas
      When its template changes in the <what>
      Then it has 2 revisions
      And pods "web-0" and "web-1" are replaced
      And the set "web" settles with pods "web-0" and "web-1"

      Examples:
        | what        |
        | image       |
        | environment |
        | resources   |
        | labels      |
        | annotations |

    @upd-rollout-restart
    Scenario: A restart is a change of the template
      Given the set "web" is settled with 2 replicas
      When its description says
        """
        spec:
          template:
            metadata:
              annotations:
                kubectl.kubernetes.io/restartedAt: "2026-01-01T00:00:00Z"
        """
      Then pods "web-0" and "web-1" are replaced
      And the set "web" settles with pods "web-0" and "web-1"

  Rule: A change outside the template makes no revision and restarts no pod

    @upd-no-trigger
    Scenario Outline: <what>
      Given the set "web" is settled with 2 replicas
      When its "<what>" changes outside the template
      Then it has 1 revision
      And pods "web-0" and "web-1" are the same as before

      Examples:
        | what            |
        | partition       |
        | update strategy |
        | minReadySeconds |
        | history limit   |
        | claim retention |
        | labels          |
        | annotations     |

    @upd-no-trigger
    Scenario: The number of replicas
      Given the set "web" is settled with 2 replicas
      When the set "web" is scaled to 3
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"
      And it has 1 revision
      And pods "web-0" and "web-1" are the same as before

    @upd-noop-apply
    Scenario: Defaults that are spelled out
      Given the set "web" is settled with 2 replicas
      When its description says
        """
        spec:
          podManagementPolicy: OrderedReady
          template:
            spec:
              restartPolicy: Always
              dnsPolicy: ClusterFirst
        """
      Then it has 1 revision
      And pods "web-0" and "web-1" are the same as before

  Rule: With no replicas a change of the template is complete at once

    @upd-empty-set
    Scenario: An empty set
      Given the set "web" is settled with 0 replicas at revision "blue"
      When its template changes to revision "green"
      Then its current revision becomes "green"
      And no pod of "web" is created

  Rule: Also a name inside the template is a part of it

    @upd-trigger-template-name
    Scenario: The template is given a name
      Given the set "web" is settled with 2 replicas
      When its description says
        """
        spec:
          template:
            metadata:
              name: a-name-that-no-pod-bears
        """
      Then it has 2 revisions
      And pods "web-0" and "web-1" are replaced
      And the set "web" settles with pods "web-0" and "web-1"
