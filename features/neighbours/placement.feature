Feature: Pods of a set can be placed by what tells them apart
  The scheduler sees a pod's ordinal and revision from its first moment on.
  Source: Kubernetes documentation, StatefulSet, pod index label.

  Rule: A rule of placement may speak of a pod's ordinal

    @x-match-label-index
    Scenario: All pods go where the first one is
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              affinity:
                podAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                  - topologyKey: kubernetes.io/hostname
                    labelSelector: {matchLabels: {apps.kubernetes.io/pod-index: "0"}}
        """
      When the set "web" is created with 3 replicas
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: A pod may be told to end at once

    @x-grace-zero
    Scenario: Nobody confirms the end of a pod without grace
      Given the set "web" is planned
      And its description says
        """
        spec: {template: {spec: {terminationGracePeriodSeconds: 0}}}
        """
      And the set "web" is settled with 1 replica
      When this deletion of pod "web-0" is submitted
        """
        {}
        """
      Then the answer reads
        """
        metadata: {deletionGracePeriodSeconds: 0}
        """
      And pod "web-0" is replaced
