Feature: Every pod has claims of its own
  A member's data is its own, and can be found by its name.
  Source: Kubernetes documentation, StatefulSet, stable storage.

  Rule: There is one claim for each template and each ordinal, named after both

    @pvc-name @pvc-one-per-template
    Scenario: Two templates and two pods
      Given the set "db" is planned
      And its pods claim storage "data"
      And its pods claim storage "logs"
      When the set "db" is created with 2 replicas
      Then all pods of "db" become Ready
      And the claims of "db" are "data-db-0", "data-db-1", "logs-db-0" and "logs-db-1"

    @pvc-before-pod
    Scenario: A claim is there before its pod
      Given the set "db" is planned
      And its pods claim storage "data"
      When the set "db" is created with 2 replicas
      Then claim "data-db-0" is created before pod "db-0"
      And claim "data-db-1" is created before pod "db-1"

    @pvc-wffc
    Scenario: A claim that waits for its first consumer does not stop the pod
      Given the set "db" is planned
      And its pods claim storage "data"
      When the set "db" is created with 2 replicas
      Then the set "db" settles with pods "db-0" and "db-1"

  Rule: A claim is made from its template and the labels that select the set's pods

    @pvc-labels @pvc-annotations-spec
    Scenario: Labels, annotations and size
      Given the set "db" is planned
      And its pods claim storage "data"
      And its description says
        """
        spec:
          volumeClaimTemplates:
            - metadata:
                name: data
                labels:
                  app: not-this
                  tier: gold
                annotations:
                  stsspec.dev/note: hello
              spec:
                resources:
                  requests:
                    storage: 3Mi
        """
      When the set "db" is created with 1 replica
      Then the label "app" of claim "data-db-0" becomes "db"
      And the label "tier" of claim "data-db-0" becomes "gold"
      And the annotation "stsspec.dev/note" of claim "data-db-0" becomes "hello"
      And claim "data-db-0" asks for "3Mi"

  Rule: The pod finds its claim under the template's name

    @pvc-volume-injected
    Scenario: The volume is the claim
      Given the set "db" is planned
      And its pods claim storage "data"
      When the set "db" is created with 2 replicas
      Then pod "db-1" uses the claim "data-db-1"

    @pvc-volume-overrides
    Scenario: A volume of the template that has the same name gives way
      Given the set "db" is planned
      And its pods claim storage "data"
      And its description says
        """
        spec:
          template:
            spec:
              volumes:
                - name: data
                  emptyDir: {}
        """
      When the set "db" is created with 1 replica
      Then pod "db-0" uses the claim "data-db-0"

    @pvc-ephemeral-untouched
    Scenario: Other volumes are left alone
      Given the set "db" is planned
      And its pods claim storage "data"
      And its description says
        """
        spec:
          template:
            spec:
              volumes:
                - name: scratch
                  emptyDir: {}
        """
      When the set "db" is created with 1 replica
      Then pod "db-0" becomes Ready
      And pod "db-0" reads
        """
        spec:
          volumes:
            - name: scratch
              emptyDir: {}
        """
      And the claims of "db" are "data-db-0"

  Rule: A claim that is there already is used as it is

    @pvc-preexisting-accepted
    Scenario: Somebody made the claim before
      Given the set "db" is planned
      And its pods claim storage "data"
      And the claim "data-db-0" is created by hand for "5Mi"
      When the set "db" is created with 2 replicas
      Then the set "db" settles with pods "db-0" and "db-1"
      And claim "data-db-0" asks for "5Mi"
      And claim "data-db-1" asks for "1Mi"

  Rule: A pod is not created as long as one of its claims cannot be

    @pvc-all-or-nothing
    Scenario: One of two claims is denied
      Given the set "db" is planned
      And its pods claim storage "data"
      And its pods claim storage "logs"
      And the namespace allows 1 claim
      When the set "db" is created with 1 replica
      Then pod "db-0" stays missing

    @pvc-quota-denied-event
    Scenario: Events tell of the claim and of the pod
      Given the set "db" is planned
      And its pods claim storage "data"
      And the namespace allows 1 claim
      When the set "db" is created with 2 replicas
      Then an event "FailedCreate" of set "db" says "Create Claim data-db-1"
      And an event "FailedCreate" of set "db" says "Create Pod db-1"

    @pvc-quota-denied
    Scenario: Claim and pod follow when the quota grows
      Given the set "db" is planned
      And its pods claim storage "data"
      And the namespace allows 1 claim
      And the set "db" is created with 2 replicas
      And pod "db-0" becomes Ready
      When the namespace allows 10 claims
      Then pod "db-1" becomes Ready
      And pod "db-1" uses the claim "data-db-1"

  Rule: Two sets may mean one claim, and nobody says so

    @pvc-name-alias-two-sets
    Scenario: A dash moves from the set's name to the template's
      Given the set "c" is planned
      And its pods claim storage "a-b"
      And the set "c" is settled with 1 replica
      And the set "b-c" is planned
      And its pods claim storage "a"
      When the set "b-c" is created with 1 replica
      Then pod "c-0" uses the claim "a-b-c-0"
      And pod "b-c-0" uses the claim "a-b-c-0"

  Rule: A claim template that is sent again as it was changes nothing

    @pvc-template-noop-apply
    Scenario: The template as it was first sent
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 1 replica
      When this apply configuration of set "db" is submitted with "fieldManager=stsspec&force=true"
        """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          volumeClaimTemplates:
            - metadata: {name: data}
              spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
        """
      Then the request is accepted
      And pod "db-0" is the same as before
