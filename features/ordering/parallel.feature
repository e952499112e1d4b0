Feature: The Parallel policy asks for no order
  Members that do not need each other start and stop all at once.
  Source: Kubernetes documentation, StatefulSet, pod management policies, Parallel.

  Background:
    Given the set "web" is planned
    And its pod management policy is Parallel

  Rule: With Parallel all missing pods are created without waiting for each other

    @ord-parallel-all-at-once
    Scenario: All pods are created although none is Ready
      Given readiness of new pods is withheld
      When the set "web" is created with 4 replicas
      Then pods "web-0" to "web-3" exist before any of them is Ready
      And pods "web-0" to "web-3" stay not Ready

    @ord-parallel-one-sync @ord-parallel-all-at-once
    Scenario: However many there are
      Given its description says
        """
        spec:
          template:
            spec:
              nodeSelector:
                stsspec.dev/no-node-has-this: "true"
        """
      When the set "web" is created with 20 replicas
      Then pods "web-0" to "web-19" exist before any of them is Ready
      And pods "web-0" to "web-19" stay Pending

    @ord-parallel-all-at-once
    Scenario: A probe that never succeeds holds nobody back
      Given its pods answer a probe
      When the set "web" is created with 3 replicas
      Then pods "web-0" to "web-2" become Running
      And pods "web-0" to "web-2" stay not Ready

  Rule: With Parallel a pod that is not Ready does not stop the set from growing

    @ord-parallel-unready-no-block
    Scenario: Two pods are added beside one that is not Ready
      Given the set "web" is settled with 1 replica
      And readiness of pod "web-0" is lost
      When the set "web" is scaled to 3
      Then pods "web-1" and "web-2" become Ready
      And pod "web-0" stays not Ready

  Rule: With Parallel pods are created in batches that double, each after the one before

    @ord-parallel-slow-start
    Scenario: Eight pods
      When the set "web" is created with 8 replicas
      Then all pods of "web" become Ready
      And the pods of "web" are created in batches of 1, 2, 4 and 1

    @ord-parallel-batch-error-stops
    Scenario: One of the first pods cannot be created
      Given its pods claim storage "data"
      And the claim "data-web-1" is created by hand for "1Mi"
      And the end of claim "data-web-1" is held up
      And claim "data-web-1" is deleted
      When the set "web" is created with 8 replicas
      Then pods "web-0" and "web-2" become Ready
      And pods "web-3" to "web-7" stay missing
