Feature: A pod that cannot start holds back its successors
  A set does not grow past a member that never came up.
  Source: Kubernetes documentation, StatefulSet, deployment and scaling guarantees.

  Rule: A pod that is Pending is not Ready

    @ord-pending-unschedulable-halts
    Scenario: A pod that no node can take
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              nodeSelector:
                stsspec.dev/no-node-has-this: "true"
        """
      When the set "web" is created with 3 replicas
      Then pod "web-0" stays Pending
      And pods "web-1" and "web-2" stay missing

    @ord-init-not-done-halts
    Scenario: A pod whose init container goes on and on
      Given the set "web" is planned
      And its pods never finish their initialization
      When the set "web" is created with 2 replicas
      Then pod "web-0" stays Pending
      And pod "web-1" stays missing
