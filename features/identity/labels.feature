Feature: Pods can be told apart by their labels
  Services, monitoring and people select one member, or all members at one revision.
  Source: Kubernetes documentation, StatefulSet, pod name label and pod index label.

  Rule: Every pod carries its name, its ordinal and its revision as labels

    @id-label-pod-name @id-label-pod-index
    Scenario: The name and the ordinal
      When the set "web" is created with 3 replicas
      Then the label "statefulset.kubernetes.io/pod-name" of pod "web-2" becomes "web-2"
      And the label "apps.kubernetes.io/pod-index" of pod "web-2" becomes "2"

    @id-label-revision
    Scenario: The revision is named in full
      When the set "web" is created with 2 replicas
      Then the label "controller-revision-hash" of pod "web-1" names a revision of its set

    @id-label-collision-overwrites
    Scenario: The template carries these labels itself
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            metadata:
              labels:
                statefulset.kubernetes.io/pod-name: not-me
                apps.kubernetes.io/pod-index: "77"
                controller-revision-hash: not-this
        """
      When the set "web" is created with 2 replicas
      Then the label "statefulset.kubernetes.io/pod-name" of pod "web-1" becomes "web-1"
      And the label "apps.kubernetes.io/pod-index" of pod "web-1" becomes "1"
      And the label "controller-revision-hash" of pod "web-1" names a revision of its set

    @id-downward-index
    Scenario: A process asks for its ordinal
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              containers:
                - name: main
                  env:
                    - name: ORDINAL
                      valueFrom:
                        fieldRef:
                          fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
        """
      When the set "web" is created with 3 replicas
      Then pod "web-2" becomes Ready
      And the variable ORDINAL inside pod "web-2" is "2"

  Rule: A pod-name label that was removed or changed on a live pod is put right in place

    @id-pod-name-label-repair
    Scenario: The label is changed
      Given the set "web" is settled with 2 replicas
      When the label "statefulset.kubernetes.io/pod-name" of pod "web-1" changes to "web-0"
      Then the label "statefulset.kubernetes.io/pod-name" of pod "web-1" becomes "web-1"
      And pod "web-1" is the same as before

    @id-pod-name-label-repair
    Scenario: The label is removed
      Given the set "web" is settled with 2 replicas
      When the label "statefulset.kubernetes.io/pod-name" of pod "web-0" is removed
      Then the label "statefulset.kubernetes.io/pod-name" of pod "web-0" becomes "web-0"
      And pod "web-0" is the same as before

  Rule: Of the labels only the pod name is watched over

    @id-index-label-no-repair
    Scenario: The index is removed
      Given the set "web" is settled with 2 replicas
      When the label "apps.kubernetes.io/pod-index" of pod "web-1" is removed
      Then pod "web-1" is the same as before
      And pod "web-1" reads
        """
        metadata: {labels: {apps.kubernetes.io/pod-index: null}}
        """

    @id-index-label-no-repair
    Scenario: It returns when the name is put right
      Given the set "web" is settled with 2 replicas
      And the label "apps.kubernetes.io/pod-index" of pod "web-1" is removed
      When the label "statefulset.kubernetes.io/pod-name" of pod "web-1" is removed
      Then the label "apps.kubernetes.io/pod-index" of pod "web-1" becomes "1"
      And pod "web-1" is the same as before

    @id-index-label-not-backfilled
    Scenario: A pod from before there was an index gets one when it is replaced
      Given the set "web" is settled with 2 replicas
      And the label "apps.kubernetes.io/pod-index" of pod "web-1" is removed
      When pod "web-1" is lost
      Then pod "web-1" is replaced
      And the label "apps.kubernetes.io/pod-index" of pod "web-1" becomes "1"

    @id-revision-label-tamper
    Scenario: A pod is told that it is of another revision
      Given the set "web" is settled with 2 replicas at revision "blue"
      When the label "controller-revision-hash" of pod "web-1" changes to "web-never-seen"
      Then pod "web-1" is replaced at revision "blue"
      And pod "web-0" is the same as before

    @id-label-collision-revision
    Scenario: The template's own labels stay with the revision
      Given the set "web" is planned
      And its template changes to revision "blue"
      And its description says
        """
        spec:
          template:
            metadata:
              labels:
                statefulset.kubernetes.io/pod-name: not-me
        """
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And revision "blue" reads
        """
        metadata: {labels: {statefulset.kubernetes.io/pod-name: not-me}}
        """

  Rule: A Service that selects the name of a pod leads to that pod, whoever bears the name

    @id-per-pod-service
    Scenario: The pod is replaced
      Given the headless Service "one" is created for the pods of "web"
      And the description of Service "one" says
        """
        spec:
          selector:
            statefulset.kubernetes.io/pod-name: web-1
        """
      And the set "web" is settled with 3 replicas
      When pod "web-1" is lost
      Then pod "web-1" is replaced
      And pod "web-1" becomes Ready
      And the name "one" leads to pod "web-1"
