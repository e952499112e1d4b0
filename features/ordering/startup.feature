Feature: Pods start in ordinal order
  Members of a set may rely on every member before them being up.
  Source: Kubernetes documentation, StatefulSet, deployment and scaling guarantees.

  Rule: Pods are created in ascending order of their ordinals

    @ord-create-ascending
    Scenario: A new set grows from its first ordinal
      When the set "web" is created with 4 replicas
      Then all pods of "web" become Ready
      And the pods of "web" are created in the order "web-0", "web-1", "web-2", "web-3"

    @ord-create-ascending @ord-gated-running-ready
    Scenario: Startup continues once the pod is Ready
      Given the creation of set "web" with 3 replicas is held at pod "web-1"
      When readiness of pod "web-1" is granted
      Then all pods of "web" become Ready
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"

  Rule: A pod is created only when every pod with a lower ordinal is Running and Ready

    @ord-gated-running-ready @ord-higher-waits-for-lower @ord-one-unready-creation
    Scenario: A pod that is not Ready holds back its successors for as long as it takes
      Given readiness of pod "web-1" is withheld
      When the set "web" is created with 4 replicas
      Then pod "web-1" becomes Running
      And pods "web-2" and "web-3" stay missing
      And pod "web-2" is never created while "web-1" is not Ready

    @ord-gated-running-ready
    Scenario: The first pod that is not Ready holds back the whole set
      Given readiness of pod "web-0" is withheld
      When the set "web" is created with 3 replicas
      Then pod "web-0" becomes Running
      And pods "web-1" and "web-2" stay missing

    @ord-gated-running-ready @ord-higher-waits-for-lower
    Scenario: A probe that does not succeed holds back the next pod
      Given the set "web" is planned
      And its pods answer a probe
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Running
      And pod "web-1" stays missing

    @ord-gated-running-ready
    Scenario: A probe that succeeds lets the next pod come
      Given the set "web" is planned
      And its pods answer a probe
      And the set "web" is created with 2 replicas
      When the probe of pod "web-0" succeeds
      Then pod "web-1" becomes Running
      And pod "web-1" is never created while "web-0" is not Ready

    @ord-readiness-gate-respected
    Scenario: A readiness gate that nobody answers counts as not Ready
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              readinessGates:
                - conditionType: stsspec.dev/nobody-answers-this
        """
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Running
      And pod "web-1" stays missing

    @ord-one-unready-creation @ord-gated-running-ready
    Scenario: A pod that stops being Ready holds back a pod that is added
      Given the set "web" is settled with 2 replicas
      And readiness of pod "web-0" is lost
      When the set "web" is scaled to 3
      Then pod "web-2" stays missing
      And pods "web-0" and "web-1" are the same as before
