Feature: A headless Service gives every member a name
  Members and clients find one member, or all of them, by name.
  Source: Kubernetes documentation, DNS for Services and Pods; StatefulSet, stable network ID.

  Background:
    Given the headless Service "web" is created for the pods of "web"

  Rule: The name of the Service leads to the Ready pods, and to nothing else

    @dns-service-a-set
    Scenario: All members
      When the set "web" is created with 3 replicas
      Then all pods of "web" become Ready
      And the Service "web" has no address of its own
      And the name "web" leads to pods "web-0", "web-1" and "web-2"

    @dns-service-a-set @dns-not-ready-hidden
    Scenario: A member that is not Ready is left out
      Given the set "web" is settled with 3 replicas
      When readiness of pod "web-1" is lost
      Then the name "web" leads to pods "web-0" and "web-2"
      And the name "web-1.web" does not exist

    @dns-no-ready-nxdomain
    Scenario: Without a Ready member the name does not exist
      Given readiness of new pods is withheld
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Running
      And the name "web" does not exist

  Rule: The name of a pod under its Service leads to that pod alone

    @dns-pod-a
    Scenario: Each member by its name
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the name "web-0.web" leads to pod "web-0"
      And the name "web-1.web" leads to pod "web-1"

    @dns-case-insensitive
    Scenario: Names are not case sensitive
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the name "WEB-0.Web" leads to pod "web-0"

    @dns-unknown-pod-nxdomain
    Scenario: An ordinal that does not exist has no name
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the name "web-1.web" leads to pod "web-1"
      And the name "web-2.web" does not exist

    @dns-hostname-needs-match
    Scenario: Under another Service the pod has no name
      Given the headless Service "other" is created for the pods of "web"
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the name "other" leads to pod "web-0"
      And the name "web-0.web" leads to pod "web-0"
      And the name "web-0.other" does not exist

    @dns-type-nodata
    Scenario: A name that exists has no records of another type
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the name "web-0.web" leads to pod "web-0"
      And the name "web-0.web" exists without a record of type TXT

  Rule: An answer is soon asked for again, and comes from a server of a known kind

    @dns-ttl
    Scenario: How long an answer is good
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the name "web" leads to pods "web-0" and "web-1"
      And the name "web-1.web" leads to pod "web-1"
      And no answer of DNS is good for more than 30 seconds

    @dns-version-txt
    Scenario: Which version of the specification is spoken
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the name "dns-version.$zone" comes with the text "1.1.0"

  Rule: The name follows the pod

    @dns-pod-a-follows-recreate
    Scenario: A lost pod is found at its new address
      Given the set "web" is settled with 2 replicas
      When pod "web-1" is lost
      Then the new "web-1" has another address than the old one
      And pod "web-1" becomes Ready
      And the name "web-1.web" leads to pod "web-1"
      And the name "web" leads to pods "web-0" and "web-1"

    @dns-no-stale-ip
    Scenario: The old address never comes back
      Given the set "web" is settled with 2 replicas
      When pod "web-1" is lost
      Then the new "web-1" has another address than the old one
      And pod "web-1" becomes Ready
      And the name "web-1.web" never leads to the old address of pod "web-1" again
      And the name "web" never leads to the old address of pod "web-1" again

    @dns-no-stale-ip
    Scenario: A pod that was scaled away leaves no name
      Given the set "web" is settled with 2 replicas
      When the set "web" is scaled to 1
      Then pod "web-1" disappears
      And the name "web-1.web" does not exist
      And the name "web" leads to pod "web-0"

    @dns-terminating-hidden
    Scenario: A pod that is on its way out is left out
      Given the set "web" is planned
      And its pods take their time to end
      And the set "web" is settled with 2 replicas
      When pod "web-1" is lost
      Then the name "web" leads to pod "web-0"
      And the name "web-1.web" does not exist

  Rule: What is there is known to whoever routes to it

    @dns-endpointslice-hostname
    Scenario: The entry of a pod
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the slices of Service "web" tell of pod "web-1"
        """
        hostname: web-1
        conditions: {ready: true, serving: true, terminating: false}
        targetRef: {kind: Pod, name: web-1}
        """

  Rule: Who asks too early is answered in time

    @dns-negative-ttl @dns-ready-to-resolvable @dns-replicas-agree
    Scenario: A name is asked for before its pod is there
      Given the name "web-0.web" does not exist
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the name "web-0.web" leads to pod "web-0"
