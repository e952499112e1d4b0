Feature: Sets are read one by one, together, as a Table, and as they change
  Every tool that shows sets, and every controller that follows them, reads them so.
  Source: Kubernetes API concepts.

  Rule: A Table has the columns that kubectl shows

    @api-table
    Scenario: A set of which one of two pods is Ready
      Given readiness of pod "web-1" is withheld
      And the set "web" is created with 2 replicas
      And pod "web-1" becomes Running
      When the path "{sets}" is read as a Table
      Then the answer reads
        """
        kind: Table
        columnDefinitions:
        - {name: Name, type: string, priority: 0}
        - {name: Ready, type: string, priority: 0}
        - {name: Age, type: string, priority: 0}
        - {name: Containers, type: string, priority: 1}
        - {name: Images, type: string, priority: 1}
        rows: [{cells: [web, 1/2, "*", main, "*"]}]
        """

  Rule: Sets are selected by name and namespace, and by no other field

    @x-field-selectors
    Scenario: By name
      Given the set "web" is created with 1 replica
      And the set "db" is created with 1 replica
      When the path "{sets}?fieldSelector=metadata.name%3Ddb" is read
      Then the answer reads
        """
        items: [{metadata: {name: db}}]
        """

    @x-field-selectors
    Scenario: By a field of the spec
      When the path "{sets}?fieldSelector=spec.replicas%3D1" is read
      Then the request is refused as "400 BadRequest"

  Rule: A watch goes on where another one ended, and misses nothing

    @api-watch-bookmark
    Scenario: A set is created and deleted while nobody watches
      When the path "{sets}" is read
      And the set "web" is created with 0 replicas
      And the set "web" is deleted
      And the path "{sets}?watch=true&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=1" is read
      Then the answer reads
        """
        events:
        - {type: ADDED, object: {metadata: {name: web}}}
        - {type: DELETED, object: {metadata: {name: web}}}
        """
