Feature: Members that wait for each other can start together
  A database whose members are Ready only with a majority of them needs all of them at once.
  Source: Kubernetes documentation, StatefulSet, parallel pod management; Services, publishNotReadyAddresses.

  Rule: Under Parallel, with addresses published before pods are Ready, they find each other

    @x-quorum-bootstrap
    Scenario: Two members that each look for the other
      Given the headless Service "db" is created for the pods of "db"
      And the description of Service "db" says
        """
        spec: {publishNotReadyAddresses: true}
        """
      And the set "db" is planned
      And its pod management policy is "Parallel"
      And its description says
        """
        spec:
          template:
            spec:
              containers:
              - name: main
                readinessProbe: {exec: {command: [sh, -c, "nslookup db-0.db && nslookup db-1.db"]}, periodSeconds: 1}
        """
      When the set "db" is created with 2 replicas
      Then the set "db" settles with pods "db-0" and "db-1"

  Rule: Under OrderedReady the first one waits for ever

    @x-quorum-bootstrap
    Scenario: The second member is never created
      Given the headless Service "db" is created for the pods of "db"
      And the description of Service "db" says
        """
        spec: {publishNotReadyAddresses: true}
        """
      And the set "db" is planned
      And its description says
        """
        spec:
          template:
            spec:
              containers:
              - name: main
                readinessProbe: {exec: {command: [sh, -c, "nslookup db-0.db && nslookup db-1.db"]}, periodSeconds: 1}
        """
      When the set "db" is created with 2 replicas
      Then pod "db-0" becomes Running
      And pod "db-0" stays not Ready
      And pod "db-1" stays missing
