Feature: A set is created, read, changed and deleted like any other object
  Tools that know nothing of sets can work with them.
  Source: Kubernetes API reference, StatefulSet, operations; conformance test "should list, patch and delete a collection".

  Rule: Each kind of patch changes what it names and nothing else

    @api-crud
    Scenario Outline: A <form>
      Given the set "web" is settled with 1 replica
      When this <form> of set "web" is submitted
        """
        <patch>
        """
      Then the request is accepted
      And set "web" reads
        """
        metadata: {generation: 2}
        spec: {replicas: 1, minReadySeconds: 4, podManagementPolicy: OrderedReady}
        """

      Examples:
        | form                  | patch                                                          |
        | change                | spec: {minReadySeconds: 4}                                     |
        | merge patch           | spec: {minReadySeconds: 4}                                     |
        | strategic merge patch | spec: {minReadySeconds: 4}                                     |
        | JSON patch            | [{op: add, path: /spec/minReadySeconds, value: 4}]             |

    @api-crud
    Scenario: An apply configuration
      Given the set "web" is settled with 1 replica
      When this apply configuration of set "web" is submitted with "fieldManager=alice"
        """
        spec: {minReadySeconds: 4}
        """
      Then the request is accepted
      And set "web" reads
        """
        metadata: {generation: 2}
        spec: {replicas: 1, minReadySeconds: 4}
        """

  Rule: Sets are listed by their labels, in all namespaces, and deleted together

    @api-crud
    Scenario: Two of three sets are listed
      Given the set "web" is planned
      And its description says
        """
        metadata: {labels: {team: blue}}
        """
      And the set "web" is created with 1 replica
      And the set "red" is created with 1 replica
      And the set "db" is planned
      And its description says
        """
        metadata: {labels: {team: blue}}
        """
      And the set "db" is created with 1 replica
      When the path "{everywhere}?labelSelector=team%3Dblue" is read
      Then the answer reads
        """
        items: [{metadata: {name: db}}, {metadata: {name: web}}]
        """

    @api-crud
    Scenario: The blue sets are deleted at once
      Given the set "web" is planned
      And its description says
        """
        metadata: {labels: {team: blue}}
        """
      And the set "web" is created with 1 replica
      And the set "red" is settled with 1 replica
      When this deletion of all sets is submitted with "labelSelector=team%3Dblue"
        """
        {}
        """
      Then the request is accepted
      And set "web" disappears
      And set "red" is the same as before

    @api-default-propagation
    Scenario: A deletion that says nothing more goes in the background
      Given the set "web" is settled with 2 replicas
      And the end of pod "web-1" is held up
      When this deletion of set "web" is submitted
        """
        {}
        """
      Then the request is accepted
      And set "web" disappears
      And pod "web-1" begins to terminate

    @api-preconditions
    Scenario: A deletion that means another set of the same name
      Given the set "web" is settled with 1 replica
      When this deletion of set "web" is submitted
        """
        preconditions: {uid: 00000000-0000-0000-0000-000000000000}
        """
      Then the request is refused as "409 Conflict"
      And set "web" is the same as before

  Rule: Only what exists is replaced; what is applied is created

    @api-no-create-on-put
    Scenario: A set that is not there is replaced
      Given the set "web" is planned
      When this change of set "web" is submitted
        """
        spec: {replicas: 1}
        """
      Then the request is refused as "404 NotFound"
      And set "web" stays missing

    @api-no-create-on-put
    Scenario: A set that is not there is applied
      When this apply configuration of set "web" is submitted with "fieldManager=alice"
        """
        spec:
          replicas: 0
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: main, image: busybox}]}
        """
      Then the request is accepted
      And set "web" reads
        """
        metadata: {generation: 1}
        """
