Feature: A pod that is resized in place keeps its size until it is replaced
  Autoscalers change the resources of pods that run, and the set does not undo it.
  Source: Kubernetes documentation, resize CPU and memory resources assigned to containers.

  Rule: A resize of a pod is no change of its set

    @x-inplace-resize
    Scenario: A pod gets more
      Given the set "web" is settled with 2 replicas
      When this strategic merge patch of the size of pod "web-0" is submitted
        """
        spec: {containers: [{name: main, resources: {requests: {cpu: 2m}}}]}
        """
      Then the request is accepted
      And pods "web-0" and "web-1" are the same as before
      And pod "web-0" reads
        """
        spec: {containers: [{name: main, resources: {requests: {cpu: 2m}}}]}
        """
      And it has 1 revision

    @x-inplace-resize
    Scenario: The template gets more
      Given the set "web" is settled with 2 replicas
      When its description says
        """
        spec: {template: {spec: {containers: [{name: main, resources: {requests: {cpu: 2m}}}]}}}
        """
      Then pods "web-0" and "web-1" are replaced

  Rule: A resized pod is replaced in its turn, by one with the resources of the template

    @x-inplace-resize-template
    Scenario: A resize, then a new template
      Given the set "web" is settled with 2 replicas at revision "blue"
      And this strategic merge patch of the size of pod "web-0" is submitted
        """
        spec: {containers: [{name: main, resources: {requests: {cpu: 2m}}}]}
        """
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-1", "web-0"
      And it has 2 revisions
      And pod "web-0" reads
        """
        spec: {containers: [{name: main, resources: {requests: {cpu: 1m}}}]}
        """

  Rule: A container that is added to look into a pod is no change of its set

    @x-ephemeral-container
    Scenario: Somebody debugs a pod
      Given the set "web" is settled with 2 replicas
      When this strategic merge patch of the debugging of pod "web-0" is submitted
        """
        spec: {ephemeralContainers: [{name: debugger, image: "busybox:1.28.4", command: [sleep, "2147483647"]}]}
        """
      Then the request is accepted
      And pods "web-0" and "web-1" are the same as before
      And it has 1 revision
