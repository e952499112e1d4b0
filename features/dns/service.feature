Feature: Names come and go with the Service
  A set needs its Service for names, and for nothing else.
  Source: Kubernetes documentation, DNS for Services and Pods; StatefulSet, limitations.

  Rule: Without the Service there are no names

    @dns-missing-service-nxdomain
    Scenario: The Service was never made
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the name "web" does not exist
      And the name "web-0.web" does not exist

    @dns-service-late
    Scenario: The Service comes after the pods
      Given the set "web" is settled with 2 replicas
      When the headless Service "web" is created for the pods of "web"
      Then the name "web-1.web" leads to pod "web-1"
      And pods "web-0" and "web-1" are the same as before

    @dns-service-deleted
    Scenario: The Service is deleted
      Given the headless Service "web" is created for the pods of "web"
      And the set "web" is settled with 2 replicas
      When the Service "web" is deleted
      Then the name "web" does not exist
      And the name "web-0.web" does not exist
      And pods "web-0" and "web-1" are the same as before

    @dns-selector-mismatch
    Scenario: The Service selects other pods
      Given the headless Service "web" is created for the pods of "somebody-else"
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the name "web-0.web" does not exist

  Rule: An ordinary Service has one address, whatever becomes of the pods

    @dns-vip-contrast
    Scenario: One address for all members
      Given the Service "front" is created for the pods of "web"
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the name "front" leads to the address of Service "front"

    @dns-vip-contrast
    Scenario: The address stays when no pod is Ready
      Given the Service "front" is created for the pods of "web"
      And the headless Service "web" is created for the pods of "web"
      And the set "web" is settled with 1 replica
      When readiness of pod "web-0" is lost
      Then the name "web" does not exist
      And the name "front" leads to the address of Service "front"

  Rule: Names of pods behind an address of their Service are nobody's promise

    @dns-pod-under-vip-service
    Scenario: The Service of the set is not headless
      Given the Service "web" is created for the pods of "web"
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the name "web-1.web" leads to pod "web-1"
