"""Who owns an object: what is deleted with it."""

from orchestrator.cluster.manifests.target import Manifest


def owned_by(manifest: Manifest, owner: Manifest) -> Manifest:
    """The object with `owner`, as the server returned it, as its owner: deleting that deletes this.

    It does not hold up the owner's deletion, which would need a permission on finalizers.
    """
    about = owner["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": about["name"],
        "uid": about["uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [reference]}}
