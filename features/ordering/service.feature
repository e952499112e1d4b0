Feature: A set runs without its Service
  What the Service gives is names, not pods.
  Source: Kubernetes documentation, StatefulSet, limitations and stable network ID.

  Rule: Pods are created even if the governing Service does not exist

    @ord-service-absent-ok
    Scenario: Nobody has made the Service
      Given the set "web" is planned
      And its service name is "nobody-made-this"
      When the set "web" is created with 2 replicas
      Then the set "web" settles with pods "web-0" and "web-1"
      And the subdomain of pod "web-1" is "nobody-made-this"

  Rule: Without a service name pods have a host name and no subdomain

    @ord-service-name-empty
    Scenario: No Service is named
      Given the set "web" is planned
      And its description says
        """
        spec:
          serviceName: null
        """
      When the set "web" is created with 2 replicas
      Then the set "web" settles with pods "web-0" and "web-1"
      And the host name of pod "web-1" is "web-1"
      And the subdomain of pod "web-1" is ""
