Feature: Pods are made from the template
  What is asked for in a set is what its pods are.
  Source: Kubernetes API reference, StatefulSet, spec.template.

  Rule: Labels, annotations, finalizers and the spec of the template appear on the pod

    @id-template-copied
    Scenario: Something of everything
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            metadata:
              labels:
                colour: green
              annotations:
                stsspec.dev/note: hello
            spec:
              terminationGracePeriodSeconds: 7
              containers:
                - name: main
                  env:
                    - name: COLOUR
                      value: green
        """
      When the set "web" is created with 2 replicas
      Then the label "colour" of pod "web-1" becomes "green"
      And the annotation "stsspec.dev/note" of pod "web-1" becomes "hello"
      And the spec of pod "web-1" has "7" at "/terminationGracePeriodSeconds"
      And the spec of pod "web-1" has "green" at "/containers/0/env/0/value"

  Rule: A pod has its set as its one controller

    @id-owner-ref
    Scenario: Every pod is owned
      When the set "web" is created with 2 replicas
      Then the set "web" owns pods "web-0" and "web-1"
