Feature: A set can be found by whoever does not know it yet
  Clients find out what a server serves before they ask for it.
  Source: Kubernetes API concepts, discovery.

  Rule: The group apps serves sets with all verbs, their status and their scale

    @api-discovery
    Scenario: What is served of sets
      When the path "/apis/apps/v1" is read
      Then the answer reads
        """
        kind: APIResourceList
        groupVersion: apps/v1
        resources:
        - name: statefulsets
          kind: StatefulSet
          namespaced: true
          shortNames: [sts]
          categories: [all]
          verbs: [create, delete, deletecollection, get, list, patch, update, watch]
        - {name: statefulsets/status, kind: StatefulSet, verbs: [get, patch, update]}
        - {name: statefulsets/scale, kind: Scale, group: autoscaling, version: v1, verbs: [get, patch, update]}
        """

  Rule: Versions before apps/v1 are gone

    @x-old-versions-gone
    Scenario Outline: Sets are not served as apps/<version>
      When the path "/apis/apps/<version>/statefulsets" is read
      Then the request is refused as "404 NotFound"

      Examples:
        | version |
        | v1beta1 |
        | v1beta2 |

  Rule: A server that emulates an older version says so

    @api-emulation-version
    Scenario: The version of a server that emulates another
      When the path "/version" is read
      Then the answer reads
        """
        major: "1"
        emulationMajor: "1"
        """
