Feature: What tutorials commonly tell wrong
  Whoever was told otherwise finds the truth here, and can see it happen.
  Source: Kubernetes documentation, StatefulSet; issue kubernetes/kubernetes#66924.

  Rule: The second pod is not Pending until the first is Ready: it does not exist

    @ord-gated-running-ready @ord-higher-waits-for-lower
    Scenario: There is nothing to be seen of the second pod
      Given readiness of pod "web-0" is withheld
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Running
      And pod "web-1" stays missing

  Rule: A set runs without its Service, only its names don't

    @dns-missing-service-nxdomain
    Scenario: Nobody has made the Service
      When the set "web" is created with 2 replicas
      Then the set "web" settles with pods "web-0" and "web-1"
      And the name "web-0.web" does not exist

  Rule: An address is never part of the identity

    @id-stable-across-recreate @dns-pod-a-follows-recreate
    Scenario: The name stays and the address does not
      Given the headless Service "web" is created for the pods of "web"
      And the set "web" is settled with 2 replicas
      When pod "web-0" is lost
      Then the new "web-0" has the host name of the old one
      And the new "web-0" has another address than the old one
      And pod "web-0" becomes Ready
      And the name "web-0.web" leads to pod "web-0"

  Rule: A name that some nslookup calls unknown may be fine: the search list is tried in turn

    @dns-resolver-independent @dns-short-names
    Scenario: One suffix knows the name and the others do not
      Given the headless Service "web" is created for the pods of "web"
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the name "web-0.web.$namespace.svc.$zone" leads to pod "web-0"
      And the name "web-0.web.svc.$zone" does not exist
      And inside pod "web-0" the name "web-0.web" leads to pod "web-0"
