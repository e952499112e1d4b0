Feature: A budget for disruptions is counted by the size of the set
  Whoever drains nodes asks the budget, and the budget asks the set.
  Source: Kubernetes documentation, specifying a disruption budget for your application.

  Rule: A percentage is one of the pods that the set's scale wants

    @x-pdb-scale
    Scenario: Half of the pods must stay
      Given the set "web" is settled with 4 replicas
      When this apply configuration of PodDisruptionBudget "web" is submitted with "fieldManager=alice"
        """
        spec: {minAvailable: 50%, selector: {matchLabels: {app: web}}}
        """
      Then PodDisruptionBudget "web" comes to read
        """
        status: {expectedPods: 4, desiredHealthy: 2, currentHealthy: 4, disruptionsAllowed: 2}
        """

  Rule: A pod that is not Ready may be evicted where its budget says so

    @x-pdb-unhealthy-policy
    Scenario: The budget allows it always
      Given the set "web" is settled with 2 replicas
      And this apply configuration of PodDisruptionBudget "web" is submitted with "fieldManager=alice"
        """
        spec: {maxUnavailable: 0, unhealthyPodEvictionPolicy: AlwaysAllow, selector: {matchLabels: {app: web}}}
        """
      And readiness of pod "web-1" is lost
      When this eviction of pod "web-1" is submitted
        """
        {}
        """
      Then the request is accepted
      And pod "web-1" is replaced
      And the new "web-1" has the host name of the old one

    @x-pdb-unhealthy-policy
    Scenario: The budget does not say
      Given the set "web" is settled with 2 replicas
      And this apply configuration of PodDisruptionBudget "web" is submitted with "fieldManager=alice"
        """
        spec: {maxUnavailable: 0, selector: {matchLabels: {app: web}}}
        """
      And readiness of pod "web-1" is lost
      When this eviction of pod "web-1" is submitted
        """
        {}
        """
      Then the request is refused as "429 TooManyRequests"
        | reason           | field |
        | DisruptionBudget |       |
      And pod "web-1" is the same as before
