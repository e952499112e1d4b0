Feature: A revision tells what it is
  Tools that read revisions find the template, a hash of it, and the notes of whoever made the change.
  Source: the StatefulSet controller of Kubernetes.

  Rule: Its name is the set's, a dash and a hash, and a label has the same hash

    @rev-name @rev-hash-label
    Scenario: No name was taken
      Given the set "web" is settled with 1 replica at revision "blue"
      Then the name and the label of revision "blue" show one hash
      And revision "blue" reads
        """
        metadata: {labels: {app: web}}
        """

    @rev-hash-label
    Scenario: The first name was taken
      Given the set "web" is settled with 1 replica at revision "blue"
      And a revision of the same name holds other data than the template of "green"
      When its template changes to revision "green"
      Then its current revision becomes "green"
      And the name and the label of revision "green" show two hashes

  Rule: It has the annotations that the set had when it was made

    @rev-annotations
    Scenario: Two revisions, two notes
      Given the set "web" is planned
      And its description says
        """
        metadata: {annotations: {note: first}}
        """
      And the set "web" is settled with 1 replica at revision "blue"
      And the annotation "note" of set "web" changes to "second"
      When its template changes to revision "green"
      Then its current revision becomes "green"
      And revision "blue" reads
        """
        metadata: {annotations: {note: first}}
        """
      And revision "green" reads
        """
        metadata: {annotations: {note: second}}
        """

  Rule: Its data is a patch that replaces the template whole

    @rev-data
    Scenario: The patch
      Given the set "web" is settled with 2 replicas at revision "blue"
      Then revision "blue" reads
        """
        data:
          metadata: null
          spec:
            replicas: null
            selector: null
            serviceName: null
            updateStrategy: null
            template: {$patch: replace, metadata: {labels: {app: web}}}
        """
