Feature: A pod that is over is replaced, one that struggles is left alone
  A member whose pod failed comes back by itself; one whose process fails is its node's business.
  Source: Kubernetes documentation, pod lifecycle; StatefulSet, pod identity.

  Rule: A pod that has failed or succeeded is deleted and created again

    @fail-failed-recreated
    Scenario: A pod fails
      Given the set "web" is settled with 3 replicas
      When the phase of pod "web-1" changes to "Failed"
      Then the new "web-1" came only after the old one was gone
      And pods "web-0" and "web-2" are the same as before
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

    @fail-succeeded-recreated
    Scenario: A pod succeeds, which none of a set should
      Given the set "web" is settled with 3 replicas
      When the phase of pod "web-1" changes to "Succeeded"
      Then the new "web-1" came only after the old one was gone
      And pods "web-0" and "web-2" are the same as before
      And the set "web" settles with pods "web-0", "web-1" and "web-2"

    @fail-with-finalizer
    Scenario: A pod that failed cannot go yet
      Given the set "web" is settled with 2 replicas
      And the end of pod "web-1" is held up
      When the phase of pod "web-1" changes to "Failed"
      Then pod "web-1" stays though it is being deleted
      And pod "web-1" is deleted only once

    @fail-with-finalizer
    Scenario: It is replaced once it can
      Given the set "web" is settled with 2 replicas
      And the end of pod "web-1" is held up
      And the phase of pod "web-1" changes to "Failed"
      When the end of pod "web-1" is let through
      Then the new "web-1" came only after the old one was gone
      And the set "web" settles with pods "web-0" and "web-1"

  Rule: A pod whose containers struggle is not replaced

    @fail-crashloop-kept
    Scenario: A container crashes again and again
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              containers:
                - name: main
                  command: [sh, -c, sleep 1; exit 1]
        """
      And the set "web" is created with 1 replica
      And a container of pod "web-0" waits with "CrashLoopBackOff"
      When the set "web" is scaled to 2
      Then pod "web-0" is the same as before
      And pod "web-1" is never created while "web-0" is not Ready

    @fail-imagepull-kept
    Scenario: An image cannot be had
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              containers:
                - name: main
                  image: registry.invalid/nothing:1
        """
      And the set "web" is created with 1 replica
      And a container of pod "web-0" waits with "ImagePullBackOff"
      When the set "web" is scaled to 2
      Then pod "web-0" is the same as before
      And pod "web-0" stays Pending

    @fail-unready-middle-no-cascade
    Scenario: A pod in the middle is not Ready
      Given the set "web" is settled with 4 replicas
      When readiness of pod "web-1" is lost
      Then pods "web-0" to "web-3" are the same as before
      And no pod of "web" is created

  Rule: A pod of which nothing is known is not replaced, and does not count as Ready

    @fail-unknown-phase
    Scenario Outline: The phase is <phase> while the pod says that it is Ready
      Given the set "web" is settled with 2 replicas
      When the phase of pod "web-1" changes to "<phase>"
      Then pod "web-1" is the same as before
      And its status counts 1 Ready replica

      Examples:
        | phase   |
        | Unknown |
        | Pending |

  Rule: There is no pause between failures of a pod

    @fail-hot-loop
    Scenario: A node does not take the pod that it was given
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              nodeName: node-1
              nodeSelector:
                stsspec.dev/no-node-has-this: "true"
        """
      And the set "web" is created with 1 replica
      And pod "web-0" has failed 5 times
      When the set "web" is scaled to 0
      Then pod "web-0" came back within 1 second each time
