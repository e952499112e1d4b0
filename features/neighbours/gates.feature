Feature: A pod that may not be scheduled yet is waited for like any other
  Queues admit pods one after the other by lifting a gate.
  Source: Kubernetes documentation, pod scheduling readiness.

  Rule: The next ordinal waits until the gate is lifted

    @x-scheduling-gates
    Scenario: The first pod is gated
      Given the set "web" is planned
      And its description says
        """
        spec: {template: {spec: {schedulingGates: [{name: example.com/queue}]}}}
        """
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Pending
      And pod "web-1" stays missing

    @x-scheduling-gates
    Scenario: Its gate is lifted
      Given the set "web" is planned
      And its description says
        """
        spec: {template: {spec: {schedulingGates: [{name: example.com/queue}]}}}
        """
      And the set "web" is created with 2 replicas
      And pod "web-0" becomes Pending
      When this change of pod "web-0" is submitted
        """
        spec: {schedulingGates: null}
        """
      Then pod "web-0" becomes Ready
      And pod "web-1" becomes Pending
      And pod "web-0" is the same as before

  Rule: An updated pod that is gated counts as unavailable

    @x-scheduling-gates-update
    Scenario: The update waits at a gated pod
      Given the set "web" is settled with 3 replicas
      When its description says
        """
        spec: {template: {spec: {schedulingGates: [{name: example.com/queue}]}}}
        """
      Then pod "web-2" is replaced
      And pods "web-0" and "web-1" are the same as before

    @x-scheduling-gates-update
    Scenario: The update goes on once the gate is lifted
      Given the set "web" is settled with 2 replicas
      And its description says
        """
        spec: {template: {spec: {schedulingGates: [{name: example.com/queue}]}}}
        """
      And pod "web-1" is replaced
      When this change of pod "web-1" is submitted
        """
        spec: {schedulingGates: null}
        """
      Then pod "web-1" becomes Ready
      And pod "web-0" is replaced
      And pod "web-1" is the same as before
